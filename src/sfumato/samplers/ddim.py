"""DDIM: Song, Meng and Ermon 2021, arXiv:2010.02502, equations 12 and 16.

x_s = alpha_s x_0 + sqrt(sigma_s^2 - tau^2) eps + tau z,   z ~ N(0, I)
tau^2 = eta^2 sigma_s^2 / sigma_t^2 beta_{t|s}

with x_0 and eps the prediction at x_t. At eta = 0 the map from x_T to the image is deterministic:
on the linear path it is Euler's method for dx/dt = u. At eta = 1 each step draws from the
posterior, as DDPM does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from sfumato.compute.knobs import is_exactly
from sfumato.compute.randomness import normal
from sfumato.config.fields import Real
from sfumato.samplers.base import Sampler, Step

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Ask, Int
    from sfumato.diffusion.schedule import Schedule


@dataclass(frozen=True)
class DDIM(Sampler):
    """The family of non-Markovian samplers between the deterministic one and DDPM."""

    default_steps: ClassVar[int | None] = 50
    traced: ClassVar[tuple[str, ...]] = ("eta",)

    eta: Real = Field(default=0.0, ge=0, le=1)
    """Fresh noise of each step, as a fraction of the posterior's standard deviation, 0 to 1."""

    def step(
        self, denoise: Ask, schedule: Schedule, x_t: Array, t: Int, s: Int, keys: Array, memory: Any
    ) -> Step:
        """Return x_s of equation 12; see Sampler.step."""
        prediction = x_0, eps = denoise(x_t, t)
        alpha_s, sigma_s = schedule.alpha(s), schedule.sigma(s)
        if is_exactly(self.eta, 0):
            return Step(alpha_s * x_0 + sigma_s * eps, prediction, memory)
        beta, ratio = schedule.beta(t, s), sigma_s / schedule.sigma(t)
        tau = self.eta * ratio * beta**0.5
        # sigma_s^2 - tau^2, rearranged: in float32 the difference can fall below zero.
        rest = (1 - self.eta**2) * beta + (schedule.alpha(t) / alpha_s * sigma_s) ** 2
        x_s = alpha_s * x_0 + ratio * rest**0.5 * eps + tau * normal(keys, x_t)
        return Step(x_s, prediction, memory)
