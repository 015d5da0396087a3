"""The noise of an image, by DDIM backwards: Song, Meng and Ermon 2021, arXiv:2010.02502, eq. 13.

x_u = alpha_u x_0 + sigma_u eps,   x_0 = (x_t - sigma_t eps) / alpha_t,   u > t

with eps the network's prediction for x_t at time u, since it knows no time t = -1: going up and
going down ask at the same times. The way back with DDIM gives the image again, up to an error that,
for many steps, halves when the steps double.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass as plain_dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic.dataclasses import dataclass

from sfumato.editing._images import OfImages
from sfumato.editing.base import Around, Known, Mistake, Walk
from sfumato.samplers.base import Sampler, Step
from sfumato.samplers.ddim import DDIM

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Ask, Int
    from sfumato.diffusion.schedule import Schedule


@dataclass(frozen=True)
class Invert(OfImages):
    """Take an image to its noise, and back: the samples are reconstructions."""

    kept: ClassVar[tuple[str, ...]] = ("original", "noise")

    def mistakes(self, around: Around) -> Iterator[Mistake]:
        """Yield what does not fit; see Edit.mistakes."""
        yield from super().mistakes(around)
        yield from not_invertible(around)

    def walks(self, around: Around) -> tuple[Walk, ...]:
        """Return the way up, and the way down; see Edit.walks."""
        up = Walk(Inversion(), around.times[::-1], Known("original"), "noise")
        return up, Walk(around.sampler, around.times, Known("noise"))


@plain_dataclass(frozen=True)
class Inversion(Sampler):
    """Walks from the data to noise, and asks at the time that it goes to."""

    def asks(self, t: int, s: int) -> tuple[int, ...]:
        """Return the time to go to; see Sampler.asks."""
        return (s,)

    def step(
        self, denoise: Ask, schedule: Schedule, x_t: Array, t: Int, s: Int, keys: Array, memory: Any
    ) -> Step:
        """Return x_s of the equation above, s > t; see Sampler.step."""
        prediction = denoise(x_t, s)
        x_0 = (x_t - schedule.sigma(t) * prediction.eps) / schedule.alpha(t)
        return Step(
            schedule.alpha(s) * x_0 + schedule.sigma(s) * prediction.eps, prediction, memory
        )


def not_invertible(around: Around) -> Iterator[Mistake]:
    """Yield what makes the way of an entry one that cannot be walked backwards."""
    if not (isinstance(around.sampler, DDIM) and around.sampler.eta == 0):
        yield "sampler", "must be ddim, with eta 0: no other chain is walked backwards"
    if around.clip:
        yield "clip", "must be false: what is clipped cannot be walked backwards"
