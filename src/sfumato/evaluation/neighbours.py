"""Precision, recall, density and coverage: two sets of features as unions of balls.

A set is represented by a union of balls, one around each of its points, that reach to the point's
k-th nearest neighbour in the set, the point itself left out.

    precision  share of generated points in a ball of a real one
    recall     share of real points in a ball of a generated one
    density    balls of real points that a generated point is in, on average, divided by k
    coverage   share of real points whose ball has a generated point in it

Precision and recall: Kynkaanniemi et al. 2019, arXiv:1904.06991, equations 1 and 2. Density and
coverage: Naeem et al. 2020, arXiv:2002.09797, section 3. Density can exceed 1.

Balls are closed: a point at just the distance of the k-th neighbour is in. Exact copies are
points like any others. Where a point has k copies or more in its set, its ball has radius 0, and
holds its copies and nothing else.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import BallTree, NearestNeighbors

from sfumato.compute.arguments import is_whole
from sfumato.errors import InputError
from sfumato.evaluation.features import matching_features

_ROWS = 256  # balls at once, so that the lists of points in them stay short


@dataclass(frozen=True)
class ManifoldScores:
    """What `manifold_scores` returns; all from 0 to 1 but density, which has no upper bound."""

    precision: float
    recall: float
    density: float
    coverage: float


def manifold_scores(real: np.ndarray, generated: np.ndarray, k: int = 5) -> ManifoldScores:
    """Compare features of real (N, D) and of generated (M, D) images, with balls as above.

    Raises:
        InputError: if k is not from 1 to min(N, M) - 1, or the features do not go together; see
            `matching_features`.
    """
    real, generated = matching_features(real, generated)
    most = min(len(real), len(generated)) - 1
    if not is_whole(k) or not 1 <= k <= most:
        raise InputError(
            f"k: {k!r} must be from 1 to {most}, one less than the images of the smaller set"
        )
    in_ball, inside = _fill_balls(real, generated, k)
    _, reached = _fill_balls(generated, real, k)
    return ManifoldScores(
        precision=float(inside.mean()),
        recall=float(reached.mean()),
        density=float(in_ball.sum() / (k * len(generated))),
        coverage=float((in_ball > 0).mean()),
    )


def _fill_balls(centres: np.ndarray, points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how many points lie in each ball, and which points lie in any.

    Trees sum squares of differences, so that copies are at distance 0; brute force would multiply
    out, and round that to something else.
    """
    neighbours = NearestNeighbors(n_neighbors=k, algorithm="ball_tree").fit(centres)
    radii = neighbours.kneighbors()[0][:, -1]
    radii *= 1 + 1e-12  # a root, squared again, may have lost the point on the edge
    tree = BallTree(points)
    in_ball, inside = np.zeros(len(centres), int), np.zeros(len(points), bool)
    for start in range(0, len(centres), _ROWS):
        rows = slice(start, start + _ROWS)
        found = tree.query_radius(centres[rows], radii[rows])
        in_ball[rows] = [len(members) for members in found]
        inside[np.concatenate(found)] = True
    return in_ball, inside
