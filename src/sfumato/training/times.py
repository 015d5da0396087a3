"""The times at which a network is trained.

uniform       t uniform over 0 .. T - 1: Ho, Jain and Abbeel 2020, arXiv:2006.11239
logit_normal  t = ceil(T tau) - 1,  logit(tau) ~ N(0, 1): Esser et al. 2024, arXiv:2403.03206,
              section 3.1, with their location 0 and scale 1

tau is a time between 0, the data, and 1, on the linear path the noise. Index t stands for time
(t + 1) / T, so that tau is rounded up to the next time of the grid, and

    P(t) = Phi(logit((t + 1) / T)) - Phi(logit(t / T)),   Phi the standard normal distribution.
"""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp


def draw_times(
    kind: Literal["uniform", "logit_normal"],
    key: jax.Array,
    shape: tuple[int, ...],
    noise_steps: int,
) -> jax.Array:
    """Return times of that shape, int32, from 0 to T - 1, T = noise_steps."""
    if kind == "uniform":
        return jax.random.randint(key, shape, 0, noise_steps)
    tau = jax.nn.sigmoid(jax.random.normal(key, shape))
    return jnp.clip(jnp.ceil(noise_steps * tau) - 1, 0, noise_steps - 1).astype(jnp.int32)
