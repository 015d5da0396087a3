"""Denoisers that are exact, and a sampler that is not in the library: inversion."""

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
class Inversion(Sampler):
    """Walks from the data to noise, and asks at the time it goes to: arXiv:2010.02502."""

    def asks(self, t, s):
        return (s,)

    def step(self, denoise, schedule, x_t, t, s, keys, memory):
        prediction = denoise(x_t, s)
        x_0 = (x_t - schedule.sigma(t) * prediction.eps) / schedule.alpha(t)
        x_s = schedule.alpha(s) * x_0 + schedule.sigma(s) * prediction.eps
        return Step(x_s, prediction, memory)
