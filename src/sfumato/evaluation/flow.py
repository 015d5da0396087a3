"""The log-density of an image along the probability-flow ODE: Song et al. 2021, arXiv:2011.13456.

In y = x / sigma and e^lambda = alpha / sigma the ODE is dy/dlambda = e^lambda x_0(x, t), so that

log p(x_a) = log p(x_b) + D log(sigma_b / sigma_a) + int_a^b h dlambda,   h = alpha tr(dx_0/dx)

(equation 39 there, in lambda). h is between 0, where pixels are known whatever x is, and D, where x
tells what they are; it changes slowly with lambda. Heun's method takes x up from the data, and the
trapezoidal rule adds up h; both are of second order. x_b, at the last time, has N(0, I) as its
density, as samples do where they start.

The trace is Hutchinson's estimate, the mean of v^T (dx_0/dx) v over vectors v of random signs; or
exact, by one derivative for each of the D numbers of an image.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from pydantic.dataclasses import dataclass

from sfumato.diffusion.prediction import Ask, Given, Int, Prediction
from sfumato.diffusion.schedule import Schedule
from sfumato.samplers.base import Sampler, Step


@dataclass(frozen=True)
class Flow(Sampler):
    """A walk from the first time up to the last; its memory is the integral of h."""

    probes: int = 1
    """Vectors v at each end of a step, drawn anew in each step; 0 for the exact trace."""

    def asks(self, t: int, s: int) -> tuple[int, ...]:
        """Return both ends of the step."""
        return (t, s)

    def init(self, x: jax.Array, given: Given) -> jax.Array:
        """Return the integral before the first step, (B, probes), of each probe its own."""
        return jnp.zeros((len(x), max(self.probes, 1)), x.dtype)

    def step(
        self,
        denoise: Ask,
        schedule: Schedule,
        x_t: jax.Array,
        t: Int,
        s: Int,
        keys: jax.Array,
        memory: jax.Array,
    ) -> Step:
        """Return x_s, and in memory the integral up to s; see Sampler.step."""
        probes = self._probes(keys, x_t)
        prediction, h_t = self._look(denoise, schedule, x_t, t, probes)
        ratio = schedule.sigma(s) / schedule.sigma(t)
        bracket = schedule.alpha(s) - schedule.alpha(t) * ratio
        euler = ratio * x_t + bracket * prediction.x_0
        there, h_s = self._look(denoise, schedule, euler, s, probes)
        x_s = ratio * x_t + bracket * (prediction.x_0 + there.x_0) / 2
        return Step(x_s, prediction, memory + schedule.h(t, s) * (h_t + h_s) / 2)

    def _probes(self, keys: jax.Array, x: jax.Array) -> jax.Array:
        """Return the vectors v, (probes, B, ...); or the D unit vectors of the exact trace."""
        if not self.probes:
            size = x[0].size
            unit = jnp.eye(size, dtype=x.dtype).reshape(size, 1, *x.shape[1:])
            return jnp.broadcast_to(unit, (size, *x.shape))
        shape = (self.probes, *x.shape[1:])
        signs = jax.vmap(lambda key: jax.random.rademacher(key, shape, x.dtype))(keys)
        return signs.swapaxes(0, 1)

    def _look(
        self, denoise: Ask, schedule: Schedule, x: jax.Array, t: Int, probes: jax.Array
    ) -> tuple[Prediction, jax.Array]:
        """Return the prediction at x, and h, (B, probes), or (B, 1) where it is exact."""
        prediction, along = jax.linearize(lambda x: denoise(x, t), x)
        rest = tuple(range(1, x.ndim))
        products = jax.lax.map(lambda v: (v * along(v).x_0).sum(rest), probes).T
        h = schedule.alpha(t) * products
        return prediction, h if self.probes else h.sum(axis=1, keepdims=True)
