"""What a network is trained to make small.

    L = E w(t) l(output, target),   target one of epsilon, x_0, v and u

with x_t ~ q(x_t | x_0) and t from 0 .. T - 1, see `times`: Ho, Jain and Abbeel 2020,
arXiv:2006.11239, equation 14, where t is uniform, the target epsilon, l the square and w = 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import jax
import jax.numpy as jnp
import optax

from sfumato.diffusion.prediction import x_0_gain

if TYPE_CHECKING:
    from sfumato.config.diffusion import PredictionType
    from sfumato.diffusion.schedule import Schedule


def pixel_loss(
    output: jax.Array, target: jax.Array, kind: Literal["mse", "l1", "huber"]
) -> jax.Array:
    """Return the loss of each image, the mean over its pixels: (B, ...), (B, ...) -> (B,).

    With d = output - target: `mse` d^2; `l1` |d|; `huber` d^2 / 2 where |d| < 1, else |d| - 1/2
    (Huber 1964).
    """
    match kind:
        case "mse":
            losses = optax.squared_error(output, target)
        case "l1":
            losses = jnp.abs(output - target)
        case "huber":
            losses = optax.huber_loss(output, target, delta=1.0)
    return losses.mean(axis=range(1, losses.ndim))


def min_snr_weight(
    kind: PredictionType, schedule: Schedule, t: jax.Array, gamma: float
) -> jax.Array:
    """Return w(t) of min-SNR weighting, of the shape of t: Hang et al. 2023, arXiv:2303.09556.

    Section 3.4 gives the squared error of x_0 the weight min(SNR, gamma), SNR = alpha^2 / sigma^2.
    An error d of the output is an error g d of x_0, with g = `x_0_gain`, so that for any output

        w = min(SNR, gamma) g^2.

    With g = 1 for x_0, sigma / alpha for epsilon, and sigma for v where alpha^2 + sigma^2 = 1,
    these are the paper's min(SNR, gamma), min(SNR, gamma) / SNR and min(SNR, gamma) / (SNR + 1).
    """
    snr = (schedule.alpha(t) / schedule.sigma(t)) ** 2
    return jnp.minimum(snr, gamma) * x_0_gain(kind, schedule, t) ** 2
