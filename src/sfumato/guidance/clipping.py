"""Clip each prediction of x_0 to the range of images, and derive eps again.

x_0 -> clip(x_0, -1, 1),   eps = (x_t - alpha_t x_0) / sigma_t

so that the two still make up x_t. It goes around any other guidance, and so does its other form,
`dynamic_threshold`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic.dataclasses import dataclass

from sfumato.diffusion.prediction import from_x_0
from sfumato.guidance.base import Guidance
from sfumato.guidance.dynamic_threshold import DynamicThreshold

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Denoise, Given, Int, Prediction
    from sfumato.diffusion.schedule import Schedule


@dataclass(frozen=True)
class Clipping(Guidance):
    """Clip x_0 to [-1, 1]."""

    def predict(
        self, denoise: Denoise, schedule: Schedule, x_t: Array, t: Int, given: Given
    ) -> Prediction:
        """Return the clipped x_0, and the eps that belongs to it; see Guidance.predict."""
        return from_x_0(schedule, x_t, denoise(x_t, t, given).x_0.clip(-1, 1), t)


def clipping(clip: bool | Literal["dynamic"], percentile: float) -> Guidance | None:
    """Return what an entry's `clip` puts around its denoiser; None for nothing.

    Args:
        clip: true to clip, `dynamic` for dynamic thresholding.
        percentile: of the latter.
    """
    if clip == "dynamic":
        return DynamicThreshold(percentile)
    return Clipping() if clip else None
