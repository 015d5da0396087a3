"""What solvers that remember earlier predictions have in common."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field
from pydantic.dataclasses import dataclass

from sfumato.samplers.base import Sampler

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Int


@dataclass(frozen=True)
class Multistep(Sampler):
    """A solver that remembers earlier predictions; its last step may be lowered to first order."""

    final_order: Literal[1, 2] = 2
    """Order of the last step of a chain that ends before the data; to the data it is always 1."""
    end: int = Field(default=-1, init=False, exclude=True, repr=False)
    """Where the chain ends."""

    def along(self, times: Sequence[int]) -> Self:
        """Return the solver for a chain along these times."""
        bound = copy(self)
        object.__setattr__(bound, "end", int(times[-1]))
        return bound

    def is_lowered(self, s: Int) -> Array:
        """Tell whether a step to time s is of first order because the chain ends there."""
        import jax.numpy as jnp

        return jnp.asarray(self.final_order == 1 and s == self.end)
