"""Dynamic thresholding: Saharia et al. 2022, arXiv:2205.11487, section 2.3.

x_0 -> clip(x_0, -s, s) / s,   s = max(1, the p-th percentile of |x_0|)

of each image for itself, with eps derived again: an image that leaves [-1, 1] is scaled back into
it, and only its largest pixels are clipped. At p = 100 it is only scaled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from sfumato.config.fields import Real
from sfumato.diffusion.prediction import from_x_0
from sfumato.guidance.base import Guidance

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Denoise, Given, Int, Prediction
    from sfumato.diffusion.schedule import Schedule


@dataclass(frozen=True)
class DynamicThreshold(Guidance):
    """Scale x_0 into [-1, 1], and clip what is larger than most of it."""

    traced: ClassVar[tuple[str, ...]] = ("percentile",)

    percentile: Real = Field(default=99.5, gt=0, le=100)
    """p, the percentage of an image's pixels that is not clipped, above 0 to 100."""

    def predict(
        self, denoise: Denoise, schedule: Schedule, x_t: Array, t: Int, given: Given
    ) -> Prediction:
        """Return the scaled x_0, and the eps that belongs to it; see Guidance.predict."""
        import jax.numpy as jnp

        x_0 = denoise(x_t, t, given).x_0
        axes = tuple(range(1, x_0.ndim))
        s = jnp.maximum(jnp.percentile(abs(x_0), self.percentile, axis=axes, keepdims=True), 1)
        return from_x_0(schedule, x_t, x_0.clip(-s, s) / s, t)
