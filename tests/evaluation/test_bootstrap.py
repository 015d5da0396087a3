"""Confidence intervals: how often they hold the truth."""

import numpy as np
import pytest
from conftest import slow

from sfumato.errors import InputError
from sfumato.evaluation.bootstrap import confidence_interval
from sfumato.evaluation.frechet import frechet_distance
from sfumato.evaluation.kernel import kernel_distance

pytestmark = pytest.mark.quick_compile


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def mmd_of_shifted_normals(shift):
    """MMD^2 of N(0, 1) and N(shift, 1) for D = 1.

    (xy + 1)^3 is the inner product of (1, 3^.5 x, 3^.5 x^2, x^3), whose means have the moments
    0, 1, 0 of the one and m, m^2 + 1, m^3 + 3m of the other.
    """
    return 3 * shift**2 + 3 * shift**4 + (shift**3 + 3 * shift) ** 2


def coverage(draw, statistic, truth, trials=40):
    """Return in what share of trials the interval of 95 % holds the truth."""
    hits = 0
    for seed in range(trials):
        a, b = draw(np.random.default_rng(seed))
        low, high = confidence_interval(statistic, a, b, n_resamples=60, seed=seed)
        hits += low <= truth <= high
    return hits / trials


@pytest.mark.parametrize("shift", [0.0, slow(1.0)])
def test_the_interval_of_the_kernel_distance_covers_its_expectation(shift):
    def draw(rng):
        return rng.standard_normal((150, 1)), rng.standard_normal((150, 1)) + shift

    assert 0.85 <= coverage(draw, kernel_distance, mmd_of_shifted_normals(shift)) <= 1


def test_the_interval_of_the_frechet_distance_covers_it_where_the_bias_is_small():
    def draw(rng):
        return rng.standard_normal((300, 2)), 2 * rng.standard_normal((300, 2)) + 1

    assert 0.85 <= coverage(draw, frechet_distance, 4.0) <= 1  # 1 + 1 of each axis


def test_the_interval_of_a_mean_is_that_of_the_normal_law(rng):
    """Its width is 2 * 1.96 standard errors, and its middle the difference itself."""
    a, b = rng.standard_normal((400, 1)), 3 * rng.standard_normal((900, 1))
    low, high = confidence_interval(
        lambda a, b: float(a.mean() - b.mean()), a, b, n_resamples=4000, seed=1
    )
    error = np.sqrt(a.var() / 400 + b.var() / 900)
    assert (high - low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.05)
    assert (high + low) / 2 == pytest.approx(a.mean() - b.mean(), abs=0.1 * error)
    narrow = confidence_interval(
        lambda a, b: float(a.mean() - b.mean()), a, b, n_resamples=4000, level=0.6827, seed=1
    )
    assert (narrow[1] - narrow[0]) / (2 * error) == pytest.approx(1, abs=0.07)


def test_no_row_is_drawn_twice_and_the_seed_decides(rng):
    a, b = rng.standard_normal((9, 2)), rng.standard_normal((8, 2))
    sizes = []

    def statistic(x, y):
        sizes.append((len(x), len(y)))
        assert len(np.unique(x, axis=0)) == len(x) and len(np.unique(y, axis=0)) == len(y)
        return float(x.sum() - y.sum())

    first, again, other = (
        confidence_interval(statistic, a, b, n_resamples=20, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again != other
    assert set(sizes) == {(4, 4), (9, 8)}


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        (3, {}, "3 is too small to be halved"),
        (10, {"n_resamples": 1}, "n_resamples: 1"),
        (10, {"level": 95}, "level: 95 must be between 0 and 1"),
    ],
)
def test_what_is_refused(rows, options, words):
    good = np.arange(20.0).reshape(10, 2)
    with pytest.raises(InputError, match=words):
        confidence_interval(kernel_distance, good[:rows], good, seed=0, **options)
