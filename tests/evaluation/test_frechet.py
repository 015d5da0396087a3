"""The Frechet distance, against laws of Gaussians."""

import numpy as np
import pytest
from scipy import linalg

from sfumato.evaluation.frechet import frechet_distance


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def normal(rng, n, mean, covariance):
    """Draw features whose sample mean and covariance are exactly these, of any rank."""
    x = rng.standard_normal((n, len(mean)))
    x -= x.mean(axis=0)
    x = linalg.solve_triangular(linalg.cholesky(np.cov(x.T)), x.T, trans=1).T
    return mean + x @ linalg.sqrtm(covariance).real


def test_frechet_of_diagonal_gaussians(rng):
    """Independent axes add up: d^2 = sum (mu - nu)^2 + (s - r)^2 for standard deviations s, r."""
    mu, nu = np.array([1.0, -2, 0, 4]), np.array([0.0, 1, 0.5, 4])
    s, r = np.array([1.0, 2, 0.1, 3]), np.array([2.0, 2, 5, 0.5])
    a, b = normal(rng, 300, mu, np.diag(s**2)), normal(rng, 200, nu, np.diag(r**2))
    assert frechet_distance(a, b) == pytest.approx(((mu - nu) ** 2 + (s - r) ** 2).sum(), rel=1e-9)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b), rel=1e-12)


def test_frechet_of_full_covariances(rng):
    """A symmetric positive T is the optimal transport from N(0, S) to its image.

    So d^2 = E|x - T x|^2 = tr((I - T) S (I - T)), and no matrix root is needed.
    """
    factor, other = rng.standard_normal((2, 6, 6))
    s, t = factor @ factor.T, other @ other.T / 6 + 0.1 * np.eye(6)
    a = normal(rng, 100, np.zeros(6), s)
    rest = np.eye(6) - t
    assert frechet_distance(a, a @ t) == pytest.approx(np.trace(rest @ s @ rest), rel=1e-9)


def test_frechet_of_covariances_without_full_rank(rng):
    """Spreads of x along e_1 and of y along e_2 share nothing: their variances add up."""
    a, b = np.zeros((2, 50, 3))
    a[:, 0], b[:, 1] = 3 * rng.standard_normal((2, 50))
    expected = a[:, 0].var(ddof=1) + b[:, 1].var(ddof=1) + ((a.mean(0) - b.mean(0)) ** 2).sum()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)
    flat = np.ones((50, 3))  # a point mass: the distance is the second moment about it
    assert frechet_distance(a, flat) == pytest.approx(
        a.var(axis=0, ddof=1).sum() + ((a.mean(0) - 1) ** 2).sum(), rel=1e-12
    )
    assert frechet_distance(flat, flat) == 0


@pytest.mark.parametrize("n", [2, 5, 64, 500])
def test_frechet_of_a_set_and_itself_and_itself_moved(rng, n):
    x, c = 10 * rng.standard_normal((n, 64)) ** 2, rng.standard_normal(64)
    assert 0 <= frechet_distance(x, x) < 1e-10 * x.var(axis=0).sum()
    assert frechet_distance(x, x + c) == pytest.approx(c @ c, rel=1e-9)
    assert frechet_distance(x, x[::-1].copy()) < 1e-10 * x.var(axis=0).sum()
