"""The Frechet distance between two sets of features, each treated as a Gaussian.

    d^2 = |mu_a - mu_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^{1/2})

Dowson and Landau 1982, J. Multivariate Analysis 12, 450; Heusel et al. 2017, arXiv:1706.08500,
equation 6. It looks at means and covariances only. Its estimate is too large by the order of
1/N, so only values at one N can be compared.

A covariance is S = R^T R, with R the triangular factor of the centred features. The root of
S_a S_b is never formed: its trace is the sum of the singular values of R_a R_b^T, whose squares
are the eigenvalues of the symmetric R_a S_b R_a^T. They are real and not negative whatever the
rank, and no small eigenvalue loses half its digits in a root.
"""

import numpy as np

from sfumato.evaluation.features import matching_features


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return d^2 as above between features a (N, D) and b (M, D): 0 or more, 0 if they agree.

    Covariances are divided by N - 1, in float64. Any N from 2 up is enough, even below D.

    Raises:
        InputError: if the features do not go together; see `matching_features`.
    """
    a, b = matching_features(a, b)
    shift = a.mean(axis=0) - b.mean(axis=0)
    root_a, root_b = _root(a), _root(b)
    trace_of_root = np.linalg.norm(root_a @ root_b.T, "nuc")
    spread = (root_a**2).sum() + (root_b**2).sum() - 2 * trace_of_root
    return float(shift @ shift + max(spread, 0.0))  # rounding may leave -1e-16 for 0


def _root(features: np.ndarray) -> np.ndarray:
    """Return R, (min(N, D), D), with R^T R the covariance of the features."""
    centred = features - features.mean(axis=0)
    return np.linalg.qr(centred, mode="r") / np.sqrt(len(features) - 1)
