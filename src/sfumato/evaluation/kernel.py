"""The kernel distance (KID): the squared maximum mean discrepancy, without bias.

    MMD^2 = mean_{i != j} k(a_i, a_j) + mean_{i != j} k(b_i, b_j) - 2 mean_{i, j} k(a_i, b_j)
    k(x, y) = (x . y / D + 1)^3

Binkowski et al. 2018, arXiv:1801.01401, section 4; the estimate is that of Gretton et al. 2012,
JMLR 13, 723, lemma 6. The kernel sees the first three moments. Its expectation does not depend on
N, and is 0 for two sets from one distribution; so single values may be below 0.
"""

from collections.abc import Iterator

import numpy as np
from sklearn.metrics.pairwise import polynomial_kernel

from sfumato.evaluation.features import matching_features

_ROWS = 512  # of the kernel matrix at once: 40 MB for 10,000 columns


def kernel_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return MMD^2 as above between features a (N, D) and b (M, D), in float64.

    The memory grows with N + M, not with their product.

    Raises:
        InputError: if the features do not go together; see `matching_features`.
    """
    a, b = matching_features(a, b)
    between = sum(float(block.sum()) for _, block in _blocks(a, b)) / (len(a) * len(b))
    return _mean_within(a) + _mean_within(b) - 2 * between


def _mean_within(x: np.ndarray) -> float:
    """Return the mean of k(x_i, x_j) over i != j."""
    total = sum(float(block.sum() - block.trace(offset=row)) for row, block in _blocks(x, x))
    return total / (len(x) * (len(x) - 1))


def _blocks(x: np.ndarray, y: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the first of some rows i, and k(x_i, y_j) for these rows and all j."""
    for row in range(0, len(x), _ROWS):
        rows = x[row : row + _ROWS]
        yield row, polynomial_kernel(rows, y, degree=3, gamma=1 / x.shape[1], coef0=1)
