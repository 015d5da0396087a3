"""The forward process and its posterior against the laws of probability."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sfumato.diffusion.forward import (
    denoised,
    diffuse,
    eps_from_prediction,
    eps_from_v,
    posterior,
    v_from_eps,
    x_0_from_eps,
    x_0_from_v,
)

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
    ours = np.asarray(diffuse(schedule, jnp.full(n, 0.6), eps, t))
    assert stats.ks_2samp(x, ours).pvalue > 1e-3


def test_one_time_per_image_or_one_for_all(schedule, batch):
    x_0, eps, t = batch
    together = diffuse(schedule, x_0, eps, t)
    for i, time in enumerate(TIMES):
        np.testing.assert_allclose(
            together[i], diffuse(schedule, x_0[i], eps[i], time), rtol=1e-6, atol=1e-7
        )


@pytest.mark.parametrize("kind", ["epsilon", "x_0", "v"])
def test_what_is_predicted_does_not_matter(schedule, batch, kind):
    x_0, eps, t = batch
    x_t = diffuse(schedule, x_0, eps, t)
    a = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))[np.array(TIMES)].reshape(-1, 1, 1, 1)
    predicted = {"epsilon": eps, "x_0": x_0, "v": np.sqrt(a) * eps - np.sqrt(1 - a) * x_0}[kind]
    # at t = 0 the noise is 1e-2 of x_t, and float32 keeps 1e-7 of that
    np.testing.assert_allclose(
        eps_from_prediction(schedule, x_t, jnp.asarray(predicted, "float32"), t, kind),
        eps,
        atol=3e-5,
    )


def test_round_trips(schedule, batch):
    x_0, eps, t = batch
    x_t = diffuse(schedule, x_0, eps, t)
    v = v_from_eps(schedule, x_t, eps, t)
    np.testing.assert_allclose(eps_from_v(schedule, x_t, v, t), eps, atol=1e-5)
    np.testing.assert_allclose(x_0_from_v(schedule, x_t, v, t), x_0, atol=1e-4)
    # x_0 is 6e-3 of x_t at t = 999
    np.testing.assert_allclose(x_0_from_eps(schedule, x_t, eps, t), x_0, atol=1e-4)


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


def test_posterior_of_the_data_is_the_data(schedule):
    x_0 = jnp.linspace(-1, 1, 7)
    mean, variance = posterior(schedule, jnp.ones(7), x_0, 3, -1)
    np.testing.assert_array_equal(mean, x_0)
    assert variance == 0


def test_clipping_keeps_x_t_whole(schedule):
    x_t, eps = jnp.array([3.0, 0.1, -2.5]), jnp.array([0.2, -0.3, 0.1])
    x_0, again = denoised(schedule, x_t, eps, 300, clip=True)
    assert x_0.max() == 1 and x_0.min() == -1
    np.testing.assert_allclose(diffuse(schedule, x_0, again, 300), x_t, rtol=1e-6)
    np.testing.assert_allclose(again[1], eps[1], rtol=1e-5)  # what was not clipped keeps its noise
    free, same = denoised(schedule, x_t, eps, 300, clip=False)
    assert free[0] > 1
    np.testing.assert_array_equal(same, eps)
