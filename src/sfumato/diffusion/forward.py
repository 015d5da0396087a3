"""The forward process q(x_t | x_0), and its posterior q(x_s | x_t, x_0).

Plain arithmetic on arrays. `t` and `s` are times as in the schedule: a scalar, or one time for
each image, shape (N,), for x of shape (N, ...). jax is imported on use: samplers need this module,
and the workflow reads their knobs without jax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfumato.compute.randomness import as_threefry, keys_at, normal, sample_keys
from sfumato.compute.ranges import check_range

if TYPE_CHECKING:
    import jax

    from sfumato.diffusion.schedule import Schedule


def forward(
    schedule: Schedule, x_0: jax.Array, eps: jax.Array, t: jax.typing.ArrayLike
) -> jax.Array:
    """Draw from q(x_t | x_0), given the noise: arXiv:2006.11239, equation 4.

    x_t = alpha_t x_0 + sigma_t eps

    Raises:
        InputError: if x_0 has levels 0 .. 255, where jax does not trace it.
    """
    check_range("x_0", x_0)
    alpha, sigma = schedule.rates(t, x_0)
    return alpha * x_0 + sigma * eps


def posterior(
    schedule: Schedule,
    x_t: jax.Array,
    x_0: jax.Array,
    t: jax.typing.ArrayLike,
    s: jax.typing.ArrayLike,
) -> tuple[jax.Array, jax.Array]:
    """Return mean and variance of q(x_s | x_t, x_0), s < t: arXiv:2107.00630, appendix A.

    mean     = alpha_s beta_{t|s} / sigma_t^2 x_0 + (alpha_t / alpha_s) sigma_s^2 / sigma_t^2 x_t
    variance = sigma_s^2 / sigma_t^2 beta_{t|s}

    For a variance-preserving schedule and s = t - 1 these are equations 6 and 7 of
    arXiv:2006.11239. The mean has the shape of x_t, the variance a shape that broadcasts to it.
    """
    (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule.rates(t, x_t), schedule.rates(s, x_t)
    beta = schedule.beta(t, s).reshape(alpha_t.shape)
    mean = alpha_s * beta / sigma_t**2 * x_0 + alpha_t / alpha_s * (sigma_s / sigma_t) ** 2 * x_t
    return mean, (sigma_s / sigma_t) ** 2 * beta


def forward_path(
    schedule: Schedule,
    key: jax.Array,
    index: jax.typing.ArrayLike,
    x_0: jax.Array,
    timesteps: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Take one image to several times, by one draw of noise, as one compiled program.

    The noise is that of image `index` of the stage with this `key`, see `compute.randomness`.

    Returns:
        x_t (N, H, W, C) for timesteps (N,) and x_0 (H, W, C); the noise in all of them
        (H, W, C); alpha_t (N,).
    """
    import jax

    from sfumato.compute.modes import own_modes

    with own_modes():
        return jax.jit(_forward_path)(schedule, as_threefry(key), index, x_0, timesteps)


def _forward_path(
    schedule: Schedule, key: jax.Array, index: jax.Array, x_0: jax.Array, timesteps: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    keys = keys_at(sample_keys(key, index[None]), schedule.noise_steps)
    eps = normal(keys, x_0[None])
    x_t = forward(schedule, x_0[None].repeat(len(timesteps), axis=0), eps, timesteps)
    return x_t, eps[0], schedule.alpha(timesteps)
