"""Autoguidance: Karras et al. 2024, arXiv:2406.02507, equation 3.

x_0 = x_0^bad + w (x_0 - x_0^bad)

away from what a worse checkpoint of the same network says, one that was trained for less long, for
instance: w = 1 is the network alone, and costs one evaluation. Labels, if there are any, are those
of both; a worse network that knows other classes, or none, is asked without a class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from sfumato.compute.knobs import is_exactly
from sfumato.config.fields import Real
from sfumato.config.inputs import Input
from sfumato.diffusion.prediction import cost, from_x_0
from sfumato.guidance.base import Guidance, Reads

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Denoise, Given, Int, Prediction
    from sfumato.diffusion.schedule import Schedule


@dataclass(frozen=True)
class Auto(Guidance):
    """Go away from what a worse network says."""

    traced: ClassVar[tuple[str, ...]] = ("scale",)
    reads: ClassVar[Reads] = "checkpoint"

    scale: Real = Field(default=2.0, ge=0, le=1000)
    """w: 1 is the network alone, 0 the worse one; both ask one network once a step."""
    checkpoint: str | None = Field(default=None, min_length=1)
    """Folder of the worse checkpoint: from the working directory, or from beside the workflow."""
    digest: str | None = Field(default=None, min_length=1)
    """The sha256 that its weights must have; null for any."""

    def inputs(self) -> dict[str, Input]:
        """Return the folder of the worse checkpoint; see Guidance.inputs."""
        return {"guidance": Input(self.checkpoint or "")}

    def predict(
        self, denoise: Denoise, schedule: Schedule, x_t: Array, t: Int, given: Given
    ) -> Prediction:
        """Return the guided prediction; see Guidance.predict. `restored` is the worse denoiser."""
        if is_exactly(self.scale, 1):
            return denoise(x_t, t, given)
        worse = self.restored(x_t, t, given)
        if is_exactly(self.scale, 0):
            return worse
        x_0 = worse.x_0 + self.scale * (denoise(x_t, t, given).x_0 - worse.x_0)
        return from_x_0(schedule, x_t, x_0, t)

    def cost(self, t: int, inner: Callable[[int], int]) -> int:
        """Return the evaluations of both networks; see Guidance.cost."""
        good = 0 if is_exactly(self.scale, 0) else inner(t)
        return good + (0 if is_exactly(self.scale, 1) else cost(self.restored, t))
