"""The noise schedule: beta_t and alpha_bar_t, and nothing else.

    q(x_t | x_0) = N(sqrt(alpha_bar_t) x_0, (1 - alpha_bar_t) I),   alpha_bar_t = prod (1 - beta_i)

Time runs over t = 0 .. T - 1, as an array index does; t = -1 is the data, where alpha_bar is 1.
Ho, Jain and Abbeel 2020, arXiv:2006.11239, equations 2 and 4, with their t = 1 .. T.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.betas import BETAS
from sfumato.errors import InputError


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Schedule:
    """Tables over t = -1 .. T - 1, stored from index 0; a pytree of arrays.

    Attributes:
        log_alpha_bar: (T + 1,), rounded to float32 from float64. So the relative error e of a
            rounding, 6e-8, becomes e for 1 - alpha_bar near the data, e |log alpha_bar| for
            alpha_bar near pure noise, and e |log alpha_bar_t| / beta for beta_{t|s} between them.
    """

    log_alpha_bar: jax.Array

    @property
    def noise_steps(self) -> int:
        """T, the length of the forward process."""
        return self.log_alpha_bar.shape[0] - 1

    def alpha_bar(self, t: jax.typing.ArrayLike) -> jax.Array:
        """alpha_bar_t, of the shape of t: the share of x_0 in the variance of x_t."""
        return jnp.exp(self._log_alpha_bar_at(t))

    def one_minus_alpha_bar(self, t: jax.typing.ArrayLike) -> jax.Array:
        """1 - alpha_bar_t, of the shape of t: the variance of the noise in x_t."""
        return -jnp.expm1(self._log_alpha_bar_at(t))

    def beta(self, t: jax.typing.ArrayLike, s: jax.typing.ArrayLike) -> jax.Array:
        """beta_{t|s} = 1 - alpha_bar_t / alpha_bar_s: the noise that q(x_t | x_s) adds.

        With s = t - 1 this is beta_t.
        """
        return -jnp.expm1(self._log_alpha_bar_at(t) - self._log_alpha_bar_at(s))

    def _log_alpha_bar_at(self, t: jax.typing.ArrayLike) -> jax.Array:
        return self.log_alpha_bar[jnp.asarray(t, jnp.int32) + 1]


def schedule_from_betas(betas: np.ndarray) -> Schedule:
    """Build the tables, in float64 on the host, from betas (T,).

    Raises:
        InputError: if a beta is not between 0 and 1; it names the first such beta.
    """
    betas = np.asarray(betas, dtype=np.float64)
    inside = (betas > 0) & (betas < 1)
    if betas.ndim != 1 or not betas.size or not inside.all():
        t = int(np.argmin(inside)) if betas.ndim == 1 and betas.size else None
        found = f"shape {betas.shape}" if t is None else f"beta_{t} = {betas[t]:g}"
        raise InputError(f"a schedule needs a list of betas between 0 and 1, not {found}")
    return Schedule(jnp.asarray(np.concatenate([[0.0], np.cumsum(np.log1p(-betas))])))


def make_schedule(config: DiffusionConfig) -> Schedule:
    """Build the schedule that section `diffusion` describes."""
    betas = BETAS[config.beta_schedule](config.noise_steps, config.beta_start, config.beta_end)
    return schedule_from_betas(betas)
