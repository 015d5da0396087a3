"""alpha and sigma of each time, in float64; without jax, since a config is checked by them."""

import numpy as np

Rates = tuple[np.ndarray, np.ndarray]
"""alpha and sigma (T,) of t = 0 .. T - 1."""


def variance_preserving(betas: np.ndarray) -> Rates:
    """Return the rates of betas (T,): alpha_t^2 = prod (1 - beta_i), alpha^2 + sigma^2 = 1."""
    log_alpha_bar = np.cumsum(np.log1p(-betas))
    return np.exp(log_alpha_bar / 2), np.sqrt(-np.expm1(log_alpha_bar))


def zero_terminal(betas: np.ndarray) -> Rates:
    """Return the rates of betas (T,), T > 1, with alpha shifted and scaled to end at 0.

    alpha'_t = alpha_0 (alpha_t - alpha_{T-1}) / (alpha_0 - alpha_{T-1}),  sigma'^2 = 1 - alpha'^2

    so that the first alpha stays and x_T is pure noise: Lin et al. 2023, arXiv:2305.08891,
    algorithm 1.
    """
    log_alpha = np.cumsum(np.log1p(-betas)) / 2
    first, last = log_alpha[0], log_alpha[-1]
    # Differences of logs, not of alphas: in those the digits cancel.
    alphas = np.exp(log_alpha) * abs(np.expm1(last - log_alpha) / np.expm1(last - first))
    # alpha_0 - alpha'_t; then sigma'^2 = (1 - alpha_0 + fallen) (1 + alpha'_t).
    fallen = np.exp(first) * np.expm1(log_alpha - first) / np.expm1(last - first)
    return alphas, np.sqrt((fallen - np.expm1(first)) * (1 + alphas))


def linear_path(steps: int) -> Rates:
    """Return the rates of flow matching's straight path: index i is time (i + 1) / T.

    alpha = 1 - time, sigma = time: Lipman et al. 2023, arXiv:2210.02747, with their time reversed;
    Liu et al. 2023, arXiv:2209.03003.
    """
    return np.arange(steps - 1, -1, -1) / steps, np.arange(1, steps + 1) / steps


def log_ratio(alphas: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """Return lambda = log alpha - log sigma, of the shape of both; minus infinity for alpha = 0."""
    with np.errstate(divide="ignore"):  # the log of 0 is infinite, as it should be
        return np.log(alphas) - np.log(sigmas)
