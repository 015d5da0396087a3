"""Denoisers that are exact, and samplers that are not in the library: Heun, 2M, inversion."""

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from pydantic.dataclasses import dataclass

from sfumato.diffusion.prediction import Prediction
from sfumato.samplers import Sampler, Step


def gaussian_denoiser(schedule, mean, std):
    """Return the exact denoiser of data N(mean, std^2), every pixel independent.

    x_t ~ N(alpha mean, alpha^2 std^2 + sigma^2), jointly Gaussian with x_0 and eps.
    """
    return Partial(_gaussian, schedule, mean, std)


def _gaussian(schedule, mean, std, x, t, given):
    alpha, sigma = schedule.rates(t, x)
    away = (x - alpha * mean) / (alpha**2 * std**2 + sigma**2)
    return Prediction(mean + alpha * std**2 * away, sigma * away)


class Counting:
    """A denoiser that counts its calls, by time; run it under `jax.disable_jit`."""

    def __init__(self, denoise):  # noqa: D107
        self.denoise, self.times = denoise, []

    def __call__(self, x, t, given):
        self.times.append(int(t))
        return self.denoise(x, t, given)


@dataclass(frozen=True)
class Heun(Sampler):
    """Asks twice a step, but for the last: Karras et al. 2022, arXiv:2206.00364, algorithm 1."""

    def asks(self, t, s):
        return (t, s) if s >= 0 else (t,)

    def step(self, denoise, schedule, x_t, t, s, keys, memory):
        prediction = x_0, eps = denoise(x_t, t)
        alpha, sigma = schedule.alpha(s), schedule.sigma(s)
        euler = alpha * x_0 + sigma * eps
        ratio = schedule.sigma(t) / schedule.alpha(t)

        def corrected():
            mean = (eps + denoise(euler, s).eps) / 2
            return alpha * (x_0 + ratio * (eps - mean)) + sigma * mean

        return Step(jax.lax.cond(s < 0, lambda: euler, corrected), prediction, memory)


@dataclass(frozen=True)
class TwoM(Sampler):
    """Remembers the last prediction: DPM-Solver++(2M), arXiv:2211.01095, algorithm 2."""

    def init(self, x, given):
        return jnp.zeros_like(x), jnp.zeros(len(x))  # the last x_0, and the h that led here

    def step(self, denoise, schedule, x_t, t, s, keys, memory):
        prediction = denoise(x_t, t)
        h, (last, last_h) = schedule.h(t, s), memory
        second = (last_h > 0) & jnp.isfinite(h)
        r = jnp.where(second, last_h / jnp.where(jnp.isfinite(h), h, 1), 1)
        r, second = (each.reshape(-1, *[1] * (x_t.ndim - 1)) for each in (r, second))
        mixed = prediction.x_0 + jnp.where(second, (prediction.x_0 - last) / (2 * r), 0)
        ratio = schedule.sigma(s) / schedule.sigma(t)
        x_s = ratio * x_t - schedule.alpha(s) * jnp.expm1(-h) * mixed
        return Step(x_s, prediction, (prediction.x_0, jnp.broadcast_to(h, last_h.shape)))


@dataclass(frozen=True)
class Inversion(Sampler):
    """Walks from the data to noise, and asks at the time it goes to: arXiv:2010.02502."""

    def asks(self, t, s):
        return (s,)

    def step(self, denoise, schedule, x_t, t, s, keys, memory):
        prediction = denoise(x_t, s)
        x_0 = (x_t - schedule.sigma(t) * prediction.eps) / schedule.alpha(t)
        x_s = schedule.alpha(s) * x_0 + schedule.sigma(s) * prediction.eps
        return Step(x_s, prediction, memory)
