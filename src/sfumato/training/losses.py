"""What a network is trained to make small.

L = E w(t) l(prediction, target),   target one of eps, x_0 and v

with x_t ~ q(x_t | x_0) and t uniform over 0 .. T - 1: Ho, Jain and Abbeel 2020, arXiv:2006.11239,
equation 14, where the target is eps, l the square and w = 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import jax
import jax.numpy as jnp
import optax

if TYPE_CHECKING:
    from sfumato.config.diffusion import PredictionType
    from sfumato.diffusion.schedule import Schedule


def pixel_loss(
    prediction: jax.Array, target: jax.Array, kind: Literal["mse", "l1", "huber"]
) -> jax.Array:
    """Return the loss of each image, the mean over its pixels: (B, ...), (B, ...) -> (B,).

    With d = prediction - target: `mse` d^2; `l1` |d|; `huber` d^2 / 2 where |d| < 1, else
    |d| - 1/2 (Huber 1964).
    """
    match kind:
        case "mse":
            losses = optax.squared_error(prediction, target)
        case "l1":
            losses = jnp.abs(prediction - target)
        case "huber":
            losses = optax.huber_loss(prediction, target, delta=1.0)
    return losses.mean(axis=range(1, losses.ndim))


def min_snr_weight(
    schedule: Schedule, t: jax.Array, prediction_type: PredictionType, gamma: float
) -> jax.Array:
    """Return w(t) of min-SNR weighting: Hang et al. 2023, arXiv:2303.09556, section 3.4.

    With SNR = alpha_bar_t / (1 - alpha_bar_t), the loss of x_0 has the weight min(SNR, gamma).
    The error of eps is SNR times that of x_0, and the error of v SNR + 1 times, so that

    w = min(SNR, gamma)                for x_0,
    w = min(SNR, gamma) / SNR          for epsilon,
    w = min(SNR, gamma) / (SNR + 1)    for v.
    """
    alpha_bar, noise = schedule.alpha_bar(t), schedule.one_minus_alpha_bar(t)
    clipped = jnp.minimum(alpha_bar / noise, gamma)
    match prediction_type:
        case "x_0":
            return clipped
        case "epsilon":
            return jnp.minimum(1.0, gamma * noise / alpha_bar)
        case "v":
            return clipped * noise
