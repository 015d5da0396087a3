"""How likely images are, in bits per dimension: a bound, and the flow's own value.

An image x of 256 levels, v = level / 127.5 - 1, is noised to the first time, and that noise is what
makes it continuous (there is no other dequantisation): with z = x_t at the first time, t = 0,

-log p(x) <= E [ -log P(x | z) + log q(z | x) - log p(z) ]

P(x | z) is the mass that a Gaussian around the prediction of x, with the standard deviation
sigma / alpha of that time, gives to the pixel's level; the outermost levels reach to infinity (Ho
et al. 2020, arXiv:2006.11239, equation 13). Two values of log p(z) make two bounds:

flow       the probability-flow ODE's, `evaluation.flow`
chain      the variational bound of the chain itself, so that the whole is

           KL(q(x_{T-1} | x) || N(0, I)) + sum_t (SNR_{t-1} - SNR_t) |x - x_0(x_t, t)|^2 / 2,

           t = 1 .. T - 1, SNR = (alpha / sigma)^2, and E[-log P(x | z)] (Kingma et al. 2021,
           arXiv:2107.00630, equations 11 to 15): DDPM with the small variance.

In our measurements the chain's is the larger; no theorem says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import log_ndtr

from sfumato.compute.compilation import compiled
from sfumato.compute.modes import in_own_modes
from sfumato.compute.randomness import keys_at, normal, sample_keys
from sfumato.diffusion.prediction import Denoise, Given, as_pytree
from sfumato.diffusion.schedule import Schedule
from sfumato.diffusion.times import spaced_timesteps
from sfumato.errors import InputError
from sfumato.evaluation.flow import Flow
from sfumato.sampling.chain import run_chain

LEVELS = 256


class Terms(NamedTuple):
    """What images cost, each (N,) but for `chain`, in nats for a whole image.

    Attributes:
        prior: KL(q(x_{T-1} | x) || N(0, I)).
        chain: (N, T - 1), the terms of the times 1 .. T - 1.
        pixels: -log P(x | z).
        flow: log q(z | x) - log p(z) by the ODE, (N, probes).
    """

    prior: np.ndarray
    chain: np.ndarray
    pixels: np.ndarray
    flow: np.ndarray

    def bound(self) -> np.ndarray:
        """Return the variational bound on -log p(x), (N,)."""
        return self.prior + self.chain.sum(axis=1) + self.pixels

    def along_the_flow(self) -> np.ndarray:
        """Return the bound on -log p(x) by the flow, (N,)."""
        return self.flow.mean(axis=1) + self.pixels


@in_own_modes
def terms(
    denoise: Denoise,
    schedule: Schedule,
    images: np.ndarray,
    *,
    key: jax.Array,
    indices: Sequence[int] | np.ndarray,
    steps: int,
    probes: int = 1,
    given: Given | None = None,
) -> Terms:
    """Return what images (N, H, W, C) of 256 levels cost, all of them in one batch.

    Args:
        denoise: not clipped: a clipped prediction of x_0 has other derivatives.
        schedule: the noise schedule.
        images: in [-1, 1].
        key: image i draws from fold_in(fold_in(key, i), t).
        indices: (N,), the numbers i.
        steps: of the flow, evenly in lambda, at most T - 1.
        probes: Hutchinson's vectors at each end of a step; 0 for the exact trace.
        given: what is known of each image.

    Raises:
        InputError: if x_t is pure noise at every time.
    """
    times = flow_times(schedule, steps)
    keys = sample_keys(key, jnp.asarray(indices))
    found = _look(
        as_pytree(denoise),
        schedule,
        jnp.asarray(images, jnp.float32),
        keys,
        dict(given or {}),
        probes=probes,
        times=tuple(times.tolist()),
    )
    squares, guess, ended, integral, noise = (np.asarray(each, np.float64) for each in found)
    alphas, sigmas = (np.asarray(r, np.float64)[1:] for r in (schedule.alphas, schedule.sigmas))
    snr, alpha, sigma = (alphas / sigmas) ** 2, alphas[-1], sigmas[-1]
    size, rest = noise[0].size, tuple(range(1, noise.ndim))
    gaussian = (alpha * images) ** 2 + sigma**2 - 1 - 2 * np.log(sigma)
    changed = ((ended**2 - noise**2).sum(rest) / 2 - size * np.log(sigmas[times[-1]]))[:, None]
    return Terms(
        prior=gaussian.sum(rest) / 2,
        chain=squares[1:].T * (snr[:-1] - snr[1:]) / 2,
        pixels=pixel_cost(images, guess, sigmas[0] / alphas[0]).sum(rest),
        flow=changed - integral,
    )


def flow_times(schedule: Schedule, steps: int) -> np.ndarray:
    """Return the times of the flow from 0 up, each once, without one that holds no image at all.

    Raises:
        InputError: if no time holds any.
    """
    ratios = schedule.log_ratios()
    count = int(np.isfinite(ratios).sum())
    if not count:
        raise InputError("likelihood: x_t is pure noise at every time; raise diffusion.noise_steps")
    spaced = spaced_timesteps(count, min(steps + 1, count), "logsnr", lambdas=ratios[:count])
    return np.unique(spaced).astype(np.int32)


def pixel_cost(images: np.ndarray, guess: np.ndarray, std: float) -> np.ndarray:
    """Return -log P(x | z) of each pixel, in nats: float64, of the shape of the images.

    P = Phi((v + 1 / 255 - guess) / std) - Phi((v - 1 / 255 - guess) / std), with minus or plus
    infinity beyond the outermost levels.
    """
    images, half = np.asarray(images, np.float64), 1 / (LEVELS - 1)
    low = np.where(images < -1 + half, -np.inf, (images - half - guess) / std)
    high = np.where(images > 1 - half, np.inf, (images + half - guess) / std)
    flip = low + high > 0  # in the lower tail no digit is lost
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    upper = log_ndtr(high)
    return -(upper + np.log1p(-np.exp(log_ndtr(low) - upper)))


def bits(nats: np.ndarray, image_shape: tuple[int, ...]) -> np.ndarray:
    """Return nats of whole images as bits for each of their numbers."""
    return nats / (np.prod(image_shape) * np.log(2))


def _looks(
    denoise: Denoise,
    schedule: Schedule,
    x: jax.Array,
    keys: jax.Array,
    given: Given,
    probes: int,
    times: tuple[int, ...],
) -> tuple[jax.Array, ...]:
    """Ask the denoiser at every time, then follow the flow up from the first.

    Returns:
        |x - x_0(x_t, t)|^2, (T, B); x_0 at the first time; where the flow ended, and its integral;
        the noise of the first time.
    """

    def noised(t: jax.Array) -> tuple[jax.Array, jax.Array]:
        noise = normal(keys_at(keys, t), x)
        return schedule.alpha(t) * x + schedule.sigma(t) * noise, noise

    def square(t: jax.Array) -> jax.Array:
        away = x - denoise(noised(t)[0], t, given).x_0
        return (away**2).sum(tuple(range(1, x.ndim)))

    squares = jax.lax.map(square, jnp.arange(schedule.noise_steps))
    start, noise = noised(jnp.int32(0))
    guess = denoise(start, jnp.int32(0), given).x_0
    # Probes are drawn from other keys than the noise that they look at.
    options = {"keys": keys_at(keys, schedule.noise_steps), "given": given, "x": start}
    end = run_chain(denoise, schedule, Flow(probes=probes), times=times, **options)
    return squares, guess, end.x, end.memory, noise


_look = compiled(_looks, static_argnames=("probes", "times"))
