"""Arrays that are known again: jax never changes one, so the same object has the same values."""

from collections.abc import Iterable
from weakref import ref

import jax


class Known:
    """Arrays that were seen before; it keeps none of them alive."""

    def __init__(self) -> None:
        """Begin with none."""
        self._seen: dict[int, ref[jax.Array]] = {}

    def add(self, arrays: Iterable[jax.Array]) -> None:
        """Know these arrays again."""
        for array in arrays:
            number = id(array)
            self._seen[number] = ref(array, lambda _, n=number: self._seen.pop(n, None))

    def __contains__(self, array: jax.Array) -> bool:
        """Tell whether this very array was seen."""
        seen = self._seen.get(id(array))
        return seen is not None and seen() is array
