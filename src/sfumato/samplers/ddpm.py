"""DDPM, ancestral sampling: Ho, Jain and Abbeel 2020, arXiv:2006.11239, algorithm 2.

x_s is drawn from the posterior of the forward process, q(x_s | x_t, x_0), with the prediction of
x_0 in place of x_0. With s = t - 1 this is the paper's chain; with a shorter one it is the
respaced chain of Nichol and Dhariwal 2021, arXiv:2102.09672, section 4, whose variances follow
from the schedule at t and s alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic.dataclasses import dataclass

from sfumato.compute.randomness import normal
from sfumato.diffusion.forward import posterior
from sfumato.samplers.base import Sampler, Step

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Ask, Int
    from sfumato.diffusion.schedule import Schedule


@dataclass(frozen=True)
class DDPM(Sampler):
    """Ancestral sampling."""

    variance: Literal["small", "large"] = "small"
    """Variance of the noise added at each step but the last: `small` is that of the
    posterior, exact for data that is one point; `large` is beta_{t|s}, on the
    variance-preserving path exact for data that is standard normal (arXiv:2006.11239, section
    3.2)."""

    def step(
        self, denoise: Ask, schedule: Schedule, x_t: Array, t: Int, s: Int, keys: Array, memory: Any
    ) -> Step:
        """Draw x_s ~ N(mean, variance), mean that of q(x_s | x_t, x_0); see Sampler.step."""
        prediction = denoise(x_t, t)
        mean, variance = posterior(schedule, x_t, prediction.x_0, t, s)
        if self.variance == "large":
            variance = schedule.beta(t, s) * (schedule.sigma(s) > 0)
        return Step(mean + variance**0.5 * normal(keys, x_t), prediction, memory)
