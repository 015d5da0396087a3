"""Pseudoinverse guidance, PiGDM: Song et al., ICLR 2023, for measurements y = A x_0 + noise z.

Where x_0 given x_t is approximated by a normal, with the prediction m for its mean and r^2 for its
variance,

r^2  = sigma^2 / (alpha^2 + sigma^2)
x_0' = m + sigma^2 / alpha J^T A^T (r^2 A A^T + noise^2 I)^{-1} (y - A m),   J = dm / dx_t

is the mean with the measurement known. r^2 is exact for data that is standard normal, and so is
x_0'; where alpha is 0, sigma^2 / alpha J^T stands for its limit for such data, r^2. The noise that
belongs to x_0' is derived again. One product with J^T for each prediction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic.dataclasses import dataclass

from sfumato.diffusion.prediction import from_x_0
from sfumato.editing._operators import Operator
from sfumato.guidance.base import Guidance

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Denoise, Given, Int, Prediction
    from sfumato.diffusion.schedule import Schedule


@dataclass(frozen=True)
class PseudoInverse(Guidance):
    """Move each prediction towards what was measured, `given["measured"]`."""

    operator: Operator
    """A, the measurement."""
    noise: float
    """Standard deviation of a measured number."""

    def predict(
        self, denoise: Denoise, schedule: Schedule, x_t: Array, t: Int, given: Given
    ) -> Prediction:
        """Return x_0' and the noise that belongs to it; see Guidance.predict."""
        import jax
        import jax.numpy as jnp

        alpha, sigma = schedule.alpha(t), schedule.sigma(t)
        variance = sigma**2 / (alpha**2 + sigma**2)
        m, pull = jax.vjp(lambda x: denoise(x, t, given).x_0, x_t)
        away = given["measured"] - self.operator.measure(m, given)
        solved = self.operator.solve(away, given, x_t, variance, self.noise)
        (towards,) = pull(solved)
        # Where alpha is 0, J is, too; for standard normal data J / alpha goes to r^2 / sigma^2.
        gain = sigma**2 / jnp.where(alpha > 0, alpha, 1)
        moved = jnp.where(alpha > 0, gain * towards, variance * solved)
        return from_x_0(schedule, x_t, m + moved, t)
