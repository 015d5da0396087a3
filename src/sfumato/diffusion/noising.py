"""One image noised to several times, by one draw of noise, as one compiled program."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from sfumato.compute.randomness import keys_at, normal, sample_keys
from sfumato.diffusion.forward import diffuse
from sfumato.diffusion.schedule import Schedule


@jax.jit
def noise_image(
    schedule: Schedule,
    key: jax.Array,
    index: jax.typing.ArrayLike,
    x_0: jax.Array,
    timesteps: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return x_t at each of the `timesteps`, the noise in all of them, and alpha_bar_t.

    The noise is that of image `index` of the stage with this `key`, see `compute.randomness`.
    x_0 (H, W, C) and timesteps (T,) -> x_t (T, H, W, C), noise (H, W, C), alpha_bar_t (T,).
    """
    keys = sample_keys(key, jnp.asarray(index)[None])
    eps = normal(keys_at(keys, schedule.noise_steps)[0], x_0)
    x_t = diffuse(schedule, x_0[None].repeat(len(timesteps), axis=0), eps, timesteps)
    return x_t, eps, schedule.alpha_bar(timesteps)
