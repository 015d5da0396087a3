"""A sampler around a sampler: what those of edits share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from sfumato.samplers.base import Sampler

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Given


@dataclass(frozen=True)
class Wrapping(Sampler):
    """Takes the steps of another sampler; all that it remembers is what is known of each sample."""

    inner: Sampler
    """The sampler whose steps are taken."""

    def along(self, times: Sequence[int]) -> Self:
        """Return the same around a sampler for a chain along these times; see Sampler.along."""
        return replace(self, inner=self.inner.along(times))

    def init(self, x: Array, given: Given) -> Any:
        """Return what is known of each sample, which does not change; see Sampler.init."""
        return dict(given)
