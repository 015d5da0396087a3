"""The forward process, its posterior, and the three ways to say what was predicted.

Every function is plain arithmetic on arrays. `t` and `s` are times as in the schedule: a
scalar, or one time per image, shape (N,), for x of shape (N, ...).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jax

    from sfumato.config.diffusion import PredictionType
    from sfumato.diffusion.schedule import Schedule


def diffuse(
    schedule: Schedule, x_0: jax.Array, eps: jax.Array, t: jax.typing.ArrayLike
) -> jax.Array:
    """Draw from q(x_t | x_0), given the noise: arXiv:2006.11239, equation 4.

    x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps
    """
    signal, noise = _rates(schedule, t, x_0)
    return signal * x_0 + noise * eps


def posterior(
    schedule: Schedule,
    x_t: jax.Array,
    x_0: jax.Array,
    t: jax.typing.ArrayLike,
    s: jax.typing.ArrayLike,
) -> tuple[jax.Array, jax.Array]:
    """Return mean and variance of q(x_s | x_t, x_0), s < t: arXiv:2006.11239, equations 6 and 7.

    mean     = sqrt(alpha_bar_s) beta_{t|s} / (1 - alpha_bar_t) x_0
             + sqrt(alpha_bar_t / alpha_bar_s) (1 - alpha_bar_s) / (1 - alpha_bar_t) x_t
    variance = (1 - alpha_bar_s) / (1 - alpha_bar_t) beta_{t|s}

    The mean has the shape of x_t, the variance a shape that broadcasts to it.
    """
    alpha_bar_t, alpha_bar_s = _like(schedule.alpha_bar(t), x_t), _like(schedule.alpha_bar(s), x_t)
    noise_t = _like(schedule.one_minus_alpha_bar(t), x_t)
    noise_s = _like(schedule.one_minus_alpha_bar(s), x_t)
    beta = _like(schedule.beta(t, s), x_t)
    mean = (
        alpha_bar_s**0.5 * beta / noise_t * x_0
        + (alpha_bar_t / alpha_bar_s) ** 0.5 * noise_s / noise_t * x_t
    )
    return mean, noise_s / noise_t * beta


def x_0_from_eps(
    schedule: Schedule, x_t: jax.Array, eps: jax.Array, t: jax.typing.ArrayLike
) -> jax.Array:
    """x_0 = (x_t - sqrt(1 - alpha_bar_t) eps) / sqrt(alpha_bar_t): arXiv:2006.11239, equation 4."""
    signal, noise = _rates(schedule, t, x_t)
    return (x_t - noise * eps) / signal


def eps_from_x_0(
    schedule: Schedule, x_t: jax.Array, x_0: jax.Array, t: jax.typing.ArrayLike
) -> jax.Array:
    """Return eps = (x_t - sqrt(alpha_bar_t) x_0) / sqrt(1 - alpha_bar_t)."""
    signal, noise = _rates(schedule, t, x_t)
    return (x_t - signal * x_0) / noise


def v_from_eps(
    schedule: Schedule, x_t: jax.Array, eps: jax.Array, t: jax.typing.ArrayLike
) -> jax.Array:
    """Return the velocity of Salimans and Ho 2022, arXiv:2202.00512, section 4.

    v = sqrt(alpha_bar_t) eps - sqrt(1 - alpha_bar_t) x_0 = (eps - sqrt(1 - alpha_bar_t) x_t) /
    sqrt(alpha_bar_t)
    """
    signal, noise = _rates(schedule, t, x_t)
    return (eps - noise * x_t) / signal


def eps_from_v(
    schedule: Schedule, x_t: jax.Array, v: jax.Array, t: jax.typing.ArrayLike
) -> jax.Array:
    """Return eps = sqrt(alpha_bar_t) v + sqrt(1 - alpha_bar_t) x_t; see `v_from_eps`."""
    signal, noise = _rates(schedule, t, x_t)
    return signal * v + noise * x_t


def x_0_from_v(
    schedule: Schedule, x_t: jax.Array, v: jax.Array, t: jax.typing.ArrayLike
) -> jax.Array:
    """Return x_0 = sqrt(alpha_bar_t) x_t - sqrt(1 - alpha_bar_t) v; see `v_from_eps`."""
    signal, noise = _rates(schedule, t, x_t)
    return signal * x_t - noise * v


def eps_from_prediction(
    schedule: Schedule,
    x_t: jax.Array,
    prediction: jax.Array,
    t: jax.typing.ArrayLike,
    prediction_type: PredictionType,
) -> jax.Array:
    """Return the noise that a network's output stands for, whichever of the three it predicts."""
    return eps_and_x_0(schedule, x_t, prediction, t, prediction_type)[0]


def eps_and_x_0(
    schedule: Schedule,
    x_t: jax.Array,
    prediction: jax.Array,
    t: jax.typing.ArrayLike,
    prediction_type: PredictionType,
) -> tuple[jax.Array, jax.Array | None]:
    """Return the noise and the image that a network's output stands for.

    The image is None where eps is predicted: see `denoised`. From x_0 and v it is taken without
    the detour over eps, which divides float32's rounding by sqrt(alpha_bar_t): near pure noise
    that can be all of x_0.
    """
    match prediction_type:
        case "epsilon":
            return prediction, None
        case "x_0":
            return eps_from_x_0(schedule, x_t, prediction, t), prediction
        case "v":
            arguments = (schedule, x_t, prediction, t)
            return eps_from_v(*arguments), x_0_from_v(*arguments)


def prediction_target(
    schedule: Schedule,
    x_0: jax.Array,
    eps: jax.Array,
    t: jax.typing.ArrayLike,
    prediction_type: PredictionType,
) -> jax.Array:
    """Return what a network should predict from x_t: eps, x_0 or v.

    v = sqrt(alpha_bar_t) eps - sqrt(1 - alpha_bar_t) x_0: arXiv:2202.00512, section 4.
    """
    match prediction_type:
        case "epsilon":
            return eps
        case "x_0":
            return x_0
        case "v":
            signal, noise = _rates(schedule, t, x_0)
            return signal * eps - noise * x_0


def denoised(
    schedule: Schedule,
    x_t: jax.Array,
    eps: jax.Array,
    t: jax.typing.ArrayLike,
    clip: bool,
    x_0: jax.Array | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Return the prediction of x_0, and the noise that belongs to it.

    Where x_0 is None it follows from eps. With `clip`, x_0 is clipped to [-1, 1] and eps derived
    anew, so that the two still make up x_t.
    """
    if x_0 is None:
        x_0 = x_0_from_eps(schedule, x_t, eps, t)
    if not clip:
        return x_0, eps
    x_0 = x_0.clip(-1, 1)
    return x_0, eps_from_x_0(schedule, x_t, x_0, t)


def _rates(
    schedule: Schedule, t: jax.typing.ArrayLike, x: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """sqrt(alpha_bar_t) and sqrt(1 - alpha_bar_t), in a shape that broadcasts along x."""
    return _like(schedule.alpha_bar(t), x) ** 0.5, _like(schedule.one_minus_alpha_bar(t), x) ** 0.5


def _like(coefficient: jax.Array, x: jax.Array) -> jax.Array:
    """Give one coefficient per image the axes of the images."""
    return coefficient.reshape(coefficient.shape + (1,) * (x.ndim - coefficient.ndim))
