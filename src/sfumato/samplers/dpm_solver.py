"""DPM-Solver++, multistep: Lu et al. 2022, arXiv:2211.01095, algorithm 2 and section 6.

x_s = sigma_s / sigma_t x_t - alpha_s expm1(-h) D                             deterministic
x_s = sigma_s / sigma_t e^{-h} x_t - alpha_s expm1(-2h) D
      + sigma_s sqrt(-expm1(-2h)) z,   z ~ N(0, I)                            stochastic

with h = lambda_s - lambda_t, and D the prediction of x_0, extrapolated to the middle of the step:
D = m at order 1, where the deterministic step is DDIM's; D = m + h / (2 h') (m - m') at order 2,
m' and h' being the prediction and the length of the step before. One evaluation a step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic.dataclasses import dataclass

from sfumato.compute.randomness import normal
from sfumato.config.fields import Flag
from sfumato.samplers._multistep import Multistep
from sfumato.samplers.base import Step

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Ask, Given, Int
    from sfumato.diffusion.schedule import Schedule


@dataclass(frozen=True)
class DPMSolver(Multistep):
    """DPM-Solver++(1) or (2M), of the ODE or of the SDE."""

    default_steps: ClassVar[int | None] = 20

    order: Literal[1, 2] = 2
    """Order of the step: 2 remembers the prediction before."""
    stochastic: Flag = False
    """Whether each step adds fresh noise, as the reverse SDE does."""

    def init(self, x: Array, given: Given) -> Any:
        """Return the memory: the last prediction of x_0, and the length of its step, 0 for none."""
        import jax.numpy as jnp

        return jnp.zeros_like(x), jnp.zeros(len(x), x.dtype)

    def step(
        self, denoise: Ask, schedule: Schedule, x_t: Array, t: Int, s: Int, keys: Array, memory: Any
    ) -> Step:
        """Return x_s of the equation above; see Sampler.step."""
        import jax.numpy as jnp

        prediction = denoise(x_t, t)
        x_0, h = prediction.x_0, schedule.h(t, s)
        last, last_h = memory[0], memory[1][0]
        finite = jnp.where(jnp.isfinite(h), h, 0)
        if self.order == 2:
            is_second = (last_h > 0) & (finite > 0) & ~self.is_lowered(s)
            slope = jnp.where(is_second, finite / jnp.where(last_h > 0, 2 * last_h, 1), 0)
            x_0 = x_0 + slope * (x_0 - last)
        alpha, sigma = schedule.alpha(s), schedule.sigma(s)
        ratio = sigma / schedule.sigma(t)
        if self.stochastic:
            gain = -jnp.expm1(-2 * h)
            noise = sigma * gain**0.5 * normal(keys, x_t)
            x_s = ratio * jnp.exp(-h) * x_t + alpha * gain * x_0 + noise
        else:
            x_s = ratio * x_t - alpha * jnp.expm1(-h) * x_0
        return Step(x_s, prediction, (prediction.x_0, jnp.full_like(memory[1], finite)))
