"""Heun's method in the noise-to-signal ratio: Karras et al. 2022, arXiv:2206.00364, algorithm 1.

In y = x / alpha and r = sigma / alpha the ODE is dy/dr = eps. A step of Euler's from t to s, which
is DDIM's, is repeated with the mean of the slopes at both ends:

x   = alpha_s x_0 + sigma_s eps                              with x_0, eps the prediction at x_t
x_s = x + (sigma_s - alpha_s sigma_t / alpha_t) (eps' - eps) / 2        eps' the noise seen in x

The bracket is -sigma_s expm1(h), h = lambda_s - lambda_t. The step to the data is Euler's. So is
one from r above 200, where x_t holds next to nothing of the image: the correction, r / 2 times the
difference of two predictions, would only add their errors. Two evaluations a step, one in the last:
2 N - 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic.dataclasses import dataclass

from sfumato.samplers.base import Sampler, Step

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Ask, Int
    from sfumato.diffusion.schedule import Schedule

NOISIEST = 200.0
"""The highest noise-to-signal ratio from which a step is corrected; EDM begins at 80."""


@dataclass(frozen=True)
class Heun(Sampler):
    """EDM's deterministic sampler, of second order."""

    default_steps: ClassVar[int | None] = 18

    def asks(self, t: int, s: int) -> tuple[int, ...]:
        """Return both ends of the step, or its beginning alone where it ends at the data."""
        return (t, s) if s >= 0 else (t,)

    def step(
        self, denoise: Ask, schedule: Schedule, x_t: Array, t: Int, s: Int, keys: Array, memory: Any
    ) -> Step:
        """Return x_s of the equation above; see Sampler.step."""
        import jax.numpy as jnp
        from jax import lax

        prediction = x_0, eps = denoise(x_t, t)
        euler = schedule.alpha(s) * x_0 + schedule.sigma(s) * eps
        h = schedule.h(t, s)
        held = schedule.sigma(t) <= NOISIEST * schedule.alpha(t)
        bracket = -schedule.sigma(s) * jnp.expm1(jnp.where(held & jnp.isfinite(h), h, 0))

        def corrected() -> Array:
            return euler + bracket * (denoise(euler, s).eps - eps) / 2

        return Step(lax.cond(jnp.asarray(s) < 0, lambda: euler, corrected), prediction, memory)
