"""The times of training against the laws they are drawn from."""

import jax
import numpy as np
import pytest
from scipy.stats import chisquare, norm

from sfumato.training.times import draw_times

pytestmark = pytest.mark.quick_compile


def share(noise_steps):
    """Return P(t) of a logit-normal time rounded up to the grid, from the normal distribution."""
    edges = np.arange(noise_steps + 1) / noise_steps
    with np.errstate(divide="ignore"):
        return np.diff(norm.cdf(np.log(edges) - np.log1p(-edges)))


@pytest.mark.parametrize("noise_steps", [1, 2, 7, 20])
def test_logit_normal_times_have_the_law_of_the_grid(noise_steps):
    n = 100_000
    times = np.asarray(draw_times("logit_normal", jax.random.key(noise_steps), (n,), noise_steps))
    assert times.dtype == np.int32 and times.min() >= 0 and times.max() < noise_steps
    found = np.bincount(times, minlength=noise_steps)
    expected = n * share(noise_steps)
    likely = expected > 20
    if likely.sum() > 1:
        left = np.append(found[likely], found[~likely].sum())
        due = np.append(expected[likely], expected[~likely].sum())
        left, due = left[due > 0], due[due > 0]
        assert chisquare(left, due * left.sum() / due.sum()).pvalue > 1e-4


def test_both_ends_are_symmetric_and_the_middle_is_most_likely():
    law = share(1000)
    np.testing.assert_allclose(law, law[::-1], atol=1e-12)
    times = np.asarray(draw_times("logit_normal", jax.random.key(0), (200_000,), 1000))
    assert abs(times.mean() - 499.5) < 2
    # a quarter of the draws has a logit beyond -0.6745, the quartile of the normal distribution
    np.testing.assert_allclose((times < 1000 / (1 + np.exp(0.6745))).mean(), 0.25, atol=0.005)


def test_uniform_times_are_uniform():
    times = np.asarray(draw_times("uniform", jax.random.key(0), (100_000,), 10))
    assert chisquare(np.bincount(times, minlength=10)).pvalue > 1e-4
