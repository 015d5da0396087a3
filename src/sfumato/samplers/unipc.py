"""UniPC-2: Zhao et al. 2023, arXiv:2302.04867, algorithms 1 and 2.

A predictor of second order and a corrector, together of third order.

With h = lambda_s - lambda_t, m the prediction of x_0 at t, m' the one before at lambda', and
r = (lambda' - lambda_t) / h, D = (m' - m) / r, the predictor goes from t to s:

x_s = sigma_s / sigma_t x_t - alpha_s (expm1(-h) m + B D / 2)

When the denoiser has been asked at s, and said m_s, the corrector takes the same step again:

x_s = sigma_s / sigma_t x_t - alpha_s (expm1(-h) m + B (rho_1 D + rho_2 (m_s - m)))

B is -h or expm1(-h), the paper's B_1 and B_2. rho solves [[1, 1], [r, 1]] rho = [p, 2 q] / B, where
p = expm1(-h) / (-h) - 1 and q = p / (-h) - 1/2; in the first step there is no D, and rho_2 = 1/2.
The corrected x_s is what the next step sets out from: it corrects first, then predicts, so that
there is one evaluation a step. Without the corrector, bh2 is DPM-Solver++(2M).
"""

from __future__ import annotations

from functools import partial
from math import factorial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from pydantic.dataclasses import dataclass

from sfumato.samplers._multistep import Multistep
from sfumato.samplers.base import Step

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Ask, Given, Int
    from sfumato.diffusion.schedule import Schedule


NONE = -2
"""The time of a step that was not taken."""


class Memory(NamedTuple):
    """What a step tells the next; every array has the samples first."""

    x: Array
    """(B, ...), the corrected state from which the step set out."""
    x_0: Array
    """(B, ...), the prediction there."""
    before: Array
    """(B, ...), the prediction one step earlier."""
    t: Array
    """(B,), the time of x; NONE before the first step."""
    t_before: Array
    """(B,), the time of `before`; NONE before the second step."""


@dataclass(frozen=True)
class UniPC(Multistep):
    """UniPC-2, of third order, predicting x_0."""

    default_steps: ClassVar[int | None] = 20

    variant: Literal["bh1", "bh2"] = "bh2"
    """The function B: bh1 is -h, bh2 is expm1(-h)."""

    def init(self, x: Array, given: Given) -> Memory:
        """Return the memory of the first step, which has nothing to correct."""
        import jax.numpy as jnp

        none = jnp.full(len(x), NONE, jnp.int32)
        return Memory(x, jnp.zeros_like(x), jnp.zeros_like(x), none, none)

    def step(
        self, denoise: Ask, schedule: Schedule, x_t: Array, t: Int, s: Int, keys: Array, memory: Any
    ) -> Step:
        """Correct x_t, then predict x_s; see Sampler.step."""
        import jax.numpy as jnp

        prediction = denoise(x_t, t)
        x_0, last, h = prediction.x_0, memory.x_0, schedule.h(t, s)
        h_last, has_last = _between(schedule, memory.t[0], t)
        h_before, has_before = _between(schedule, memory.t_before[0], memory.t[0])

        rise = jnp.where(has_before, h_last / h_before, 0) * (last - memory.before)
        rho_1, rho_2 = self._rho(h_last, h_before, has_before)
        change = rho_1 * rise + rho_2 * (x_0 - last)
        corrected = self._along(schedule, memory.x, last, change, memory.t[0], t, h_last)
        x_t = jnp.where(has_last, corrected, x_t)

        finite = jnp.isfinite(h)
        is_second = has_last & finite & ~self.is_lowered(s)
        rise = jnp.where(is_second, jnp.where(finite, h, 0) / h_last, 0) * (x_0 - last)
        x_s = self._along(schedule, x_t, x_0, rise / 2, t, s, h)
        times = (jnp.full_like(memory.t, t), memory.t)
        return Step(x_s, prediction, Memory(x_t, x_0, last, *times))

    def _along(
        self, schedule: Schedule, x: Array, x_0: Array, change: Array, t: Int, s: Int, h: Array
    ) -> Array:
        """Return sigma_s / sigma_t x - alpha_s (expm1(-h) x_0 + B change)."""
        import jax.numpy as jnp

        b = jnp.where(jnp.isfinite(h), -h, -1) if self.variant == "bh1" else jnp.expm1(-h)
        ratio = schedule.sigma(s) / schedule.sigma(t)
        return ratio * x - schedule.alpha(s) * (jnp.expm1(-h) * x_0 + b * change)

    def _rho(self, h: Array, h_before: Array, has_before: Array) -> tuple[Array, Array]:
        """Return the corrector's weights, with r = -h_before / h."""
        import jax.numpy as jnp

        one, two, three = _phi(-h)
        scale = 1 if self.variant == "bh1" else one
        first, second = two / scale, 2 * three / scale
        rho_1 = (first - second) / (1 + h_before / h)
        return (
            jnp.where(has_before, rho_1, 0),
            jnp.where(has_before, first - rho_1, 0.5),
        )


def _between(schedule: Schedule, t: Array, s: Int) -> tuple[Array, Array]:
    """Return the length of a step that was taken, 1 if there was none, and whether there was."""
    import jax.numpy as jnp

    h = schedule.h(jnp.maximum(t, 0), s)
    there = (t > NONE) & jnp.isfinite(h)
    return jnp.where(there, h, 1), there


def _phi(z: Array) -> tuple[Array, Array, Array]:
    """Return phi_k(z) = sum_n z^n / (n + k)!, k = 1, 2, 3; near 0 from the series.

    phi_1 = expm1(z) / z, phi_{k + 1} = (phi_k - 1 / k!) / z, in which digits cancel near 0.
    """
    import jax.numpy as jnp

    near = jnp.abs(z) < 1
    small, large = jnp.where(near, z, 0), jnp.where(near, 1, z)
    series = [sum(small**n / factorial(n + k) for n in range(10)) for k in (1, 2, 3)]
    one = jnp.expm1(large) / large
    two = (one - 1) / large
    three = (two - 1 / 2) / large
    one, two, three = map(partial(jnp.where, near), series, (one, two, three))
    return one, two, three
