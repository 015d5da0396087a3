"""The kernel distance, against its definition and its expectation."""

import numpy as np
import pytest

from sfumato.evaluation.kernel import kernel_distance

pytestmark = pytest.mark.quick_compile


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_kernel_distance_is_the_double_loop(rng):
    a, b = rng.standard_normal((7, 3)), rng.standard_normal((5, 3)) + 1

    def k(x, y):
        return (sum(float(p) * float(q) for p, q in zip(x, y, strict=True)) / 3 + 1) ** 3

    expected = (
        sum(k(a[i], a[j]) for i in range(7) for j in range(7) if i != j) / 42
        + sum(k(b[i], b[j]) for i in range(5) for j in range(5) if i != j) / 20
        - 2 * sum(k(x, y) for x in a for y in b) / 35
    )
    assert kernel_distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_kernel_distance_of_points(rng):
    """All of a at 0 and all of b at 1, D = 1: 1^3 + 2^3 - 2 * 1^3 = 7, in any number of blocks."""
    assert kernel_distance(np.zeros((1300, 1)), np.ones((3, 1))) == pytest.approx(7, rel=1e-12)
    assert kernel_distance(np.zeros((2, 1)), np.ones((700, 1))) == pytest.approx(7, rel=1e-12)


def test_kernel_distance_of_a_set_and_itself(rng):
    """With S the sum of all k(i, j) and t of k(i, i): 2 (S - t) / (n (n - 1)) - 2 S / n^2."""
    x = rng.standard_normal((600, 4))
    n, total = 600, ((x @ x.T / 4 + 1) ** 3).sum()
    trace = ((np.linalg.norm(x, axis=1) ** 2 / 4 + 1) ** 3).sum()
    expected = 2 * (total - trace) / (n * (n - 1)) - 2 * total / n**2
    assert kernel_distance(x, x) == pytest.approx(expected, rel=1e-6) and expected < 0


def mmd_of_shifted_normals(shift):
    """MMD^2 of N(0, 1) and N(shift, 1) for D = 1.

    (xy + 1)^3 is the inner product of (1, 3^.5 x, 3^.5 x^2, x^3), whose means have the moments
    0, 1, 0 of the one and m, m^2 + 1, m^3 + 3m of the other.
    """
    return 3 * shift**2 + 3 * shift**4 + (shift**3 + 3 * shift) ** 2


@pytest.mark.parametrize(("n", "m", "shift"), [(5, 5, 0.0), (5, 5, 0.5), (20, 50, 0.5)])
def test_kernel_distance_has_no_bias_at_any_size(rng, n, m, shift):
    drawn = [
        kernel_distance(rng.standard_normal((n, 1)), rng.standard_normal((m, 1)) + shift)
        for _ in range(1000)
    ]
    error = np.std(drawn) / np.sqrt(len(drawn))
    assert abs(np.mean(drawn) - mmd_of_shifted_normals(shift)) < 4 * error
