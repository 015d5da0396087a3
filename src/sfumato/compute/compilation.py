"""Programs whose results do not depend on how many processor cores there are.

On a CPU XLA leaves convolutions, products and sums to a library that cuts a long sum into as many
parts as there are threads, so its last bits change with the machine. XLA's own sums are as fast in
these networks and do not.
"""

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

import jax

_FUSIONS = "xla_cpu_experimental_ynn_fusion_type"
_ALL_BUT_SUMS = ("DOT", "INDIVIDUAL_DOT", "INDIVIDUAL_CONVOLUTION")


class jit:  # noqa: N801 (it stands where jax.jit would)
    """jax.jit for functions of a module; the backend is not asked for before the first call."""

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401
        """Take what jax.jit takes."""
        self.function, self.options = function, options

    @cached_property
    def compiled(self) -> Any:  # noqa: ANN401 (what jax.jit returns)
        """The function as jax.jit makes it."""
        return jax.jit(self.function, compiler_options=compiler_options(), **self.options)

    def __call__(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        """Call the compiled function."""
        return self.compiled(*arguments, **named)


@cache
def compiler_options() -> dict[str, str] | None:
    """Return what XLA is told on a CPU; None elsewhere, or where it does not know the words."""
    if jax.default_backend() != "cpu":
        return None
    options = {_FUSIONS: ",".join(f"LIBRARY_FUSION_TYPE_{name}" for name in _ALL_BUT_SUMS)}
    try:
        jax.jit(lambda: 0, compiler_options=options).lower().compile()
    except jax.errors.JaxRuntimeError:
        return None
    return options
