"""Variations of an image, SDEdit: Meng et al. 2022, arXiv:2108.01073, algorithm 1.

x_t = alpha_t x_0 + sigma_t x_T,   t = the largest time visited that is at most strength * T - 1

and from there the chain goes on as ever, over the times that it would visit anyway. The noise is
that of a plain sample: every strength, and every sampler, begins with the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from sfumato.config.fields import Real
from sfumato.editing._images import OfImages
from sfumato.editing.base import Around, Mistake, Walk

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Given, Int
    from sfumato.diffusion.schedule import Schedule


@dataclass(frozen=True)
class Vary(OfImages):
    """Add noise to an image, and take it away again."""

    strength: Real = Field(default=0.6, gt=0, le=1)
    """How much is drawn anew, above 0 and up to 1: the chain starts at the largest time visited
    that is at most strength * T - 1. 1 starts from pure noise, as a plain sample does."""

    def mistakes(self, around: Around) -> Iterator[Mistake]:
        """Yield what does not fit, a strength below the first time among it; see Edit.mistakes."""
        yield from super().mistakes(around)
        first, noise_steps = int(around.times[-2]), around.noise_steps
        if len(self.times(around)) == 1:
            least = -(-(first + 1) * 1000 // noise_steps) / 1000
            yield (
                "edit.strength",
                f"{self.strength:g} starts below time {first}, where the last step starts: "
                f"it must be at least {least:g}, or take more steps",
            )

    def times(self, around: Around) -> np.ndarray:
        """Return the late part of the chain; see Edit.times."""
        most = int(self.strength * around.noise_steps + 1e-9) - 1
        return around.times[around.times <= most] if self.strength < 1 else around.times

    def walks(self, around: Around) -> tuple[Walk, ...]:
        """Return the chain from the noisy image; at strength 1 from noise alone; see Edit.walks."""
        start = noisy if self.strength < 1 else None
        return (Walk(around.sampler, self.times(around), start),)


def noisy(schedule: Schedule, x_T: Array, given: Given, t: Int) -> Array:  # noqa: N803
    """Return x_t = alpha_t x_0 + sigma_t x_T of the equation above."""
    return schedule.alpha(t) * given["original"] + schedule.sigma(t) * x_T
