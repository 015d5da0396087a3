"""Likelihood against Gaussian data, of which every term is known, and of levels against scipy."""

from itertools import pairwise

import jax
import numpy as np
import pytest
from oracles import gaussian_denoiser
from scipy import stats

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.likelihood import LikelihoodConfig
from sfumato.diffusion.prediction import from_x_0
from sfumato.diffusion.schedule import make_schedule
from sfumato.errors import InputError
from sfumato.evaluation.flow import Flow
from sfumato.evaluation.likelihood import bits, flow_times, pixel_cost, terms
from sfumato.evaluation.likelihoods import look
from sfumato.sampling.chain import run_chain

pytestmark = pytest.mark.quick_compile
SHAPE = (4, 4, 1)
MEAN, STD = 0.3, 0.4
SCHEDULES = {
    "linear betas": {},
    "cosine": {"beta_schedule": "cosine"},
    "zero terminal SNR": {"zero_terminal_snr": True, "prediction_type": "v"},
    "straight": {"path": "linear", "prediction_type": "u"},
}


def looked(name="linear betas", n=200, steps=100, **options):
    schedule = make_schedule(DiffusionConfig(**SCHEDULES[name]))
    x = MEAN + STD * np.random.default_rng(0).standard_normal((n, *SHAPE))
    denoise = gaussian_denoiser(schedule, MEAN, STD)
    key = jax.random.key(0)
    return schedule, terms(denoise, schedule, x, key=key, indices=range(n), steps=steps, **options)


def rates(schedule):
    return (np.asarray(each, np.float64)[1:] for each in (schedule.alphas, schedule.sigmas))


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_flow_of_gaussian_data_has_their_density(name):
    """E[log q(z | x) - log p(z)] = D / 2 log(var z / sigma^2), for z of this very law."""
    schedule, found = looked(name, probes=0)
    alpha, sigma = (each[0] for each in rates(schedule))
    exact = 16 / 2 * np.log(((alpha * STD) ** 2 + sigma**2) / sigma**2)
    assert found.flow.shape == (200, 1)
    spread = found.flow.std() / np.sqrt(200)
    assert abs(found.flow.mean() - exact) < 4 * spread + 0.01 * exact


def test_the_error_of_the_flow_falls_with_the_square_of_the_steps():
    schedule = make_schedule(DiffusionConfig())
    alpha, sigma = rates(schedule)
    law, ended = (stats.norm(alpha[t] * MEAN, np.hypot(alpha[t] * STD, sigma[t])) for t in (0, -1))
    z = jax.numpy.asarray(law.rvs((8, *SHAPE), random_state=0), jax.numpy.float32)
    exact, errors = law.logpdf(np.asarray(z, np.float64)).sum((1, 2, 3)), []
    for steps in (10, 20, 40, 80):
        times = flow_times(schedule, steps).tolist()
        assert times[0] == 0 and times[-1] == 999
        options = {"keys": jax.random.split(jax.random.key(0), 8), "x": z, "times": times}
        end = run_chain(gaussian_denoiser(schedule, MEAN, STD), schedule, Flow(probes=0), **options)
        found = ended.logpdf(np.asarray(end.x, np.float64)).sum((1, 2, 3))
        found += 16 * np.log(sigma[-1] / sigma[0]) + np.asarray(end.memory, np.float64)[:, 0]
        errors.append(np.abs(found - exact).mean())
    assert errors[-1] < 0.04
    assert all(3.5 < more / fewer < 5 for more, fewer in pairwise(errors)), errors


@pytest.mark.parametrize("name", SCHEDULES)
def test_each_term_of_the_chain_is_that_of_gaussian_data(name):
    schedule, found = looked(name)
    alpha, sigma = rates(schedule)
    snr = (alpha / sigma) ** 2
    posterior = STD**2 * sigma**2 / ((alpha * STD) ** 2 + sigma**2)
    exact = 16 * posterior[1:] * (snr[:-1] - snr[1:]) / 2
    ratio = found.chain.mean(axis=0) / exact
    # Sums of 3,200 squares: sqrt(2 / 3200) around 1.
    assert abs(ratio - 1).max() < 0.15 and abs(ratio.mean() - 1) < 0.01
    prior = (
        16
        * ((alpha[-1] ** 2 * (MEAN**2 + STD**2)) + sigma[-1] ** 2 - 1 - 2 * np.log(sigma[-1]))
        / 2
    )
    np.testing.assert_allclose(found.prior.mean(), prior, rtol=0.1, atol=1e-9)


def test_the_bound_of_the_chain_is_above_the_flow():
    _, found = looked()
    chain = found.prior + found.chain.sum(axis=1)
    assert chain.mean() > found.flow.mean()
    np.testing.assert_allclose(
        found.bound() - found.along_the_flow(), chain - found.flow.mean(axis=1)
    )
    few = looked(n=50)[1].chain.sum(axis=1).mean()
    assert few == pytest.approx(chain[:50].mean(), rel=1e-5)  # image i draws the same noise


def test_hutchinsons_estimate_is_that_of_the_exact_trace():
    exact, probed = (looked(probes=probes, n=50)[1].flow for probes in (0, 2))
    assert probed.shape == (50, 2)
    # The Jacobian of independent pixels is diagonal, and signs make its trace exact.
    np.testing.assert_allclose(probed, np.broadcast_to(exact, (50, 2)), atol=2e-3)


def test_hutchinsons_estimate_of_pixels_that_depend_on_each_other():
    """x_0 = A x / alpha: h is tr A at all times, and the estimate's variance known."""
    schedule = make_schedule(DiffusionConfig(noise_steps=50))
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(16, 16)) / 16

    def denoise(x, t, given):
        x_0 = (x.reshape(-1, 16) @ matrix.T).reshape(x.shape) / schedule.alpha(t)
        return from_x_0(schedule, x, x_0, t)

    keys = jax.random.split(jax.random.key(0), 64)
    times, x = flow_times(schedule, 20), jax.numpy.zeros((64, *SHAPE))
    end = run_chain(denoise, schedule, Flow(probes=4), times=times.tolist(), keys=keys, x=x)
    ratios = schedule.log_ratios()
    exact = np.trace(matrix) * (ratios[times[-1]] - ratios[0])
    symmetric = matrix + matrix.T
    np.fill_diagonal(symmetric, 0)
    h = np.diff(ratios[times])
    std = np.sqrt((symmetric**2).sum() / 2 * (h**2).sum())
    found = np.asarray(end.memory, np.float64)
    assert abs(found.mean() - exact) < 4 * std / np.sqrt(found.size)
    assert found.std() == pytest.approx(std, rel=0.2)


def test_the_mass_of_levels_is_that_of_scipy_and_adds_up_to_one():
    levels = np.arange(256) / 127.5 - 1
    for guess, std in ((0.1, 0.01), (-0.99, 0.05), (1.0, 0.3), (-3.0, 0.5)):
        cost = pixel_cost(levels, np.float64(guess), std)
        edges = np.concatenate([[-np.inf], (levels[1:] + levels[:-1]) / 2, [np.inf]])
        law = stats.norm(guess, std)
        low, high = law.cdf(edges[:-1]), law.cdf(edges[1:])
        mass = np.where(edges[1:] > guess, law.sf(edges[:-1]) - law.sf(edges[1:]), high - low)
        assert np.exp(-cost).sum() == pytest.approx(1, abs=1e-12)
        seen = mass > 1e-12
        np.testing.assert_allclose(np.exp(-cost)[seen], mass[seen], rtol=1e-6)
        assert np.isfinite(cost).all()


def test_bits_of_levels_that_are_all_as_likely():
    cost = np.full((2, *SHAPE), np.log(256)).sum((1, 2, 3))
    np.testing.assert_allclose(bits(cost, SHAPE), 8)


@pytest.mark.parametrize("noise_steps", [1, 2])
def test_schedules_of_hardly_any_times(noise_steps):
    x = np.zeros((3, *SHAPE), np.float32)
    config = LikelihoodConfig(n_images=3, micro_batch=2)
    for settings in ({}, {"path": "linear", "prediction_type": "u"}):
        schedule = make_schedule(DiffusionConfig(noise_steps=noise_steps, **settings))
        denoise = gaussian_denoiser(schedule, MEAN, STD)
        if noise_steps == 1 and settings:
            with pytest.raises(InputError, match="pure noise at every time; raise diffusion.noise"):
                look(denoise, schedule, {"mine": x}, config, key=jax.random.key(0))
            continue
        (found,) = look(denoise, schedule, {"mine": x}, config, key=jax.random.key(0))
        assert len(found.terms) == noise_steps - 1 and np.isfinite(found.bound.mean)
        assert found.n_images == 3 and np.isfinite(found.flow.mean)
