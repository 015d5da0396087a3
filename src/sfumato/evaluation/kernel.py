"""The kernel distance (KID): the squared maximum mean discrepancy, without bias.

    MMD^2 = mean_{i != j} k(a_i, a_j) + mean_{i != j} k(b_i, b_j) - 2 mean_{i, j} k(a_i, b_j)
    k(x, y) = (x . y / D + 1)^3

Binkowski et al. 2018, arXiv:1801.01401, section 4; the estimate is that of Gretton et al. 2012,
JMLR 13, 723, lemma 6. The kernel sees the first three moments. Its expectation does not depend on
N, and is 0 for two sets from one distribution; so single values below 0 are in order.
"""

import numpy as np

from sfumato.evaluation.frechet import matching_features

_ROWS = 512  # of the kernel matrix at once: 40 MB for 10,000 columns


def kernel_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return MMD^2 as above between features a (N, D) and b (M, D), in float64.

    The memory grows with N + M, not with their product.

    Raises:
        InputError: if the features do not go together; see `matching_features`.
    """
    a, b = matching_features(a, b)
    return _mean_within(a) + _mean_within(b) - 2 * _sum(a, b) / (len(a) * len(b))


def _mean_within(x: np.ndarray) -> float:
    """Return the mean of k(x_i, x_j) over i != j."""
    with_itself = (((x**2).sum(axis=1) / x.shape[1] + 1) ** 3).sum()
    return float(_sum(x, x) - with_itself) / (len(x) * (len(x) - 1))


def _sum(x: np.ndarray, y: np.ndarray) -> float:
    """Return the sum of k(x_i, y_j) over all i and j, some rows of x at a time."""
    starts = range(0, len(x), _ROWS)
    return sum(
        float(((x[start : start + _ROWS] @ y.T / x.shape[1] + 1) ** 3).sum()) for start in starts
    )
