"""The forward process and its posterior against the laws of probability."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sfumato.diffusion.forward import forward, forward_path, posterior
from sfumato.diffusion.schedule import schedule_from_rates

pytestmark = pytest.mark.quick_compile

TIMES = [0, 1, 250, 500, 999]


@pytest.fixture
def batch():
    """Return x_0, eps and times of five images."""
    keys = jax.random.split(jax.random.key(0))
    shape = (len(TIMES), 4, 3, 2)
    x_0 = jax.random.uniform(keys[0], shape, minval=-1, maxval=1)
    return x_0, jax.random.normal(keys[1], shape), jnp.array(TIMES)


@pytest.mark.parametrize("t", TIMES)
def test_moments_of_the_forward_process(schedule, t):
    """q(x_t | x_0) is the product of the chain q(x_t | x_{t-1}): run the chain, in float64."""
    n, x = 20_000, np.full(20_000, 0.6)
    betas = np.linspace(1e-4, 0.02, 1000)
    rng = np.random.default_rng(t)
    for beta in betas[: t + 1]:
        x = np.sqrt(1 - beta) * x + np.sqrt(beta) * rng.standard_normal(n)
    eps = jax.random.normal(jax.random.key(t), (n,))
    ours = np.asarray(forward(schedule, jnp.full(n, 0.6), eps, t))
    assert stats.ks_2samp(x, ours).pvalue > 1e-3


def test_one_time_per_image_or_one_for_all(schedule, batch):
    x_0, eps, t = batch
    together = forward(schedule, x_0, eps, t)
    for i, time in enumerate(TIMES):
        np.testing.assert_allclose(
            together[i], forward(schedule, x_0[i], eps[i], time), rtol=1e-6, atol=1e-7
        )


@pytest.mark.parametrize(("t", "s"), [(1, 0), (500, 499), (999, 998), (999, 0), (700, 20)])
def test_posterior_is_bayes_rule(schedule, t, s):
    """q(x_s | x_t, x_0) ~ q(x_t | x_s) q(x_s | x_0): multiply the densities on a grid."""
    alpha_bar = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    a_t, a_s = alpha_bar[t], alpha_bar[s]
    x_0, x_t = 0.4, 0.9
    grid = np.linspace(-8, 8, 400_001)
    density = stats.norm.pdf(x_t, np.sqrt(a_t / a_s) * grid, np.sqrt(1 - a_t / a_s))
    density *= stats.norm.pdf(grid, np.sqrt(a_s) * x_0, np.sqrt(1 - a_s))
    density /= density.sum()
    mean = (density * grid).sum()
    variance = (density * (grid - mean) ** 2).sum()
    ours = posterior(schedule, jnp.array([x_t]), jnp.array([x_0]), t, s)
    np.testing.assert_allclose(ours[0], mean, rtol=1e-4)
    np.testing.assert_allclose(ours[1], variance, rtol=1e-4)


@pytest.mark.parametrize(("t", "s"), [(1, 0), (50, 49), (99, 98), (99, 0), (70, 20)])
def test_posterior_on_the_linear_path(t, s):
    """In float64, precisions add: x_s given x_0 and, through x_t, given the noise beyond it."""
    time = np.arange(1, 101) / 100
    schedule = schedule_from_rates(1 - time, time)
    x_0, x_t, ratio = 0.4, 0.9, (1 - time[t]) / (1 - time[s])
    beta = time[t] ** 2 - ratio**2 * time[s] ** 2
    precision = 1 / time[s] ** 2 + ratio**2 / beta
    mean = ((1 - time[s]) * x_0 / time[s] ** 2 + ratio * x_t / beta) / precision
    ours = posterior(schedule, jnp.array([x_t]), jnp.array([x_0]), t, s)
    np.testing.assert_allclose(ours[0], mean, rtol=1e-5)
    np.testing.assert_allclose(ours[1], 1 / precision, rtol=1e-5)


def test_posterior_of_the_data_is_the_data(schedule):
    x_0 = jnp.linspace(-1, 1, 7)
    mean, variance = posterior(schedule, jnp.ones(7), x_0, 3, -1)
    np.testing.assert_array_equal(mean, x_0)
    assert variance == 0


def test_one_image_at_several_times_has_one_noise(schedule):
    x_0, times = jnp.linspace(-1, 1, 16).reshape(4, 4, 1), jnp.array([0, 400, 999])
    key = jax.random.key(4)
    x_t, eps, alpha = forward_path(schedule, key, 6, x_0, times)
    drawn = jax.random.normal(jax.random.fold_in(jax.random.fold_in(key, 6), 1000), x_0.shape)
    np.testing.assert_array_equal(eps, drawn)
    for i, t in enumerate(times):
        a = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))[t]
        np.testing.assert_allclose(alpha[i] ** 2, a, rtol=1e-6)
        np.testing.assert_allclose(x_t[i], a**0.5 * x_0 + (1 - a) ** 0.5 * eps, atol=1e-6)
