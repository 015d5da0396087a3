"""The betas of each noise schedule, in float64; without jax, since a config is checked by them."""

from collections.abc import Callable

import numpy as np

COSINE_OFFSET = 0.008
LARGEST_COSINE_BETA = 0.999


def linear(steps: int, start: float, end: float) -> np.ndarray:
    """Return beta_t = start + (end - start) t / (T - 1), (T,).

    Ho et al. 2020, arXiv:2006.11239, section 4.
    """
    return np.linspace(start, end, steps)


def scaled_linear(steps: int, start: float, end: float) -> np.ndarray:
    """Return beta_t = (sqrt(start) + (sqrt(end) - sqrt(start)) t / (T - 1))^2, (T,).

    Known as `scaled_linear` from Stable Diffusion (arXiv:2112.10752). The `quadratic` of the DDIM
    paper (arXiv:2010.02502, appendix D.2) is a choice of times, and not this.
    """
    return np.linspace(start**0.5, end**0.5, steps) ** 2


def sigmoid(steps: int, start: float, end: float) -> np.ndarray:
    """Return betas along a logistic curve, (T,): GeoDiff, arXiv:2203.02923.

    beta_t = start + (end - start) / (1 + exp(-u)),  u = -6 + 12 t / (T - 1)
    """
    return start + (end - start) / (1 + np.exp(-np.linspace(-6, 6, steps)))


def cosine(steps: int, start: float, end: float) -> np.ndarray:
    """Return betas that make alpha_bar a squared cosine; `start` and `end` are not used.

    beta_t = 1 - alpha_bar((t + 1) / T) / alpha_bar(t / T),  (T,);
    alpha_bar(u) = f(u) / f(0),  f(u) = cos^2((u + 0.008) / 1.008 * pi / 2);
    beta is capped at 0.999: Nichol and Dhariwal 2021, arXiv:2102.09672, equation 17.
    """
    u = np.arange(steps + 1) / steps
    f = np.cos((u + COSINE_OFFSET) / (1 + COSINE_OFFSET) * np.pi / 2) ** 2
    return np.minimum(1 - f[1:] / f[:-1], LARGEST_COSINE_BETA)


BETAS: dict[str, Callable[[int, float, float], np.ndarray]] = {
    "linear": linear,
    "cosine": cosine,
    "quadratic": scaled_linear,
    "scaled_linear": scaled_linear,
    "sigmoid": sigmoid,
}
WITHOUT_ENDS = ("cosine",)
"""The schedules that use neither `start` nor `end`."""
