"""Precision, recall, density and coverage of sets whose answer is plain."""

import numpy as np
import pytest

from sfumato.errors import InputError
from sfumato.evaluation.classes import class_histogram_distance
from sfumato.evaluation.neighbours import ManifoldScores, manifold_scores

pytestmark = pytest.mark.quick_compile


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def column(*values):
    return np.array(values, float)[:, None]


def test_manifold_scores_of_points_on_a_line():
    """With k = 1, real 0, 1, 3, 7 have radii 1, 1, 2, 4.

    The balls are [-1, 1], [0, 2], [1, 5], [3, 11]. Generated -0.5, 1.5, 20, 20.5 have radii 2, 2,
    0.5, 0.5: [-2.5, 1.5], [-0.5, 3.5], [19.5, 20.5], [20, 21]. -0.5 lies in the first real ball,
    1.5 in the second and third, the others in none: precision 2/4, density (1 + 2) / (1 * 4), and
    3 of 4 real balls are filled. Of the real points 0 and 1 lie in the first generated ball, and 3
    in the second: recall 3/4.
    """
    scores = manifold_scores(column(0, 1, 3, 7), column(-0.5, 1.5, 20, 20.5), k=1)
    assert scores == ManifoldScores(precision=0.5, recall=0.75, density=0.75, coverage=0.75)


def test_manifold_scores_of_more_neighbours_and_unequal_sets():
    """With k = 2, real 0, 1, 3, 7 have radii 3, 2, 3, 6: [-3, 3], [-1, 3], [0, 6], [1, 13].

    Generated 3, 14, 15 (radii 12, 11, 12: [-9, 15], [3, 25], [3, 27]): 3 lies on the edge of two
    balls and inside two more, 14 and 15 in none. Precision 1/3, density 4 / (2 * 3), coverage 1,
    and the ball of 3 alone holds all real points: recall 1.
    """
    scores = manifold_scores(column(0, 1, 3, 7), column(3, 14, 15), k=2)
    assert scores == ManifoldScores(1 / 3, 1.0, 4 / 6, 1.0)


def test_exact_copies_have_balls_of_radius_0():
    """With k = 1, real 0, 0, 5 have radii 0, 0, 5; generated 0, 0, 1 have radii 0, 0, 1.

    Copies lie in balls of radius 0, and all generated points in [0, 10]: density (2+2+3) / 3. Of
    the real points 5 lies in none of [0, 0], [0, 0], [0, 2].
    """
    scores = manifold_scores(column(0, 0, 5), column(0, 0, 1), k=1)
    assert scores == ManifoldScores(1.0, 2 / 3, 7 / 3, 1.0)


def test_manifold_scores_of_a_set_and_itself(rng):
    """Each ball holds its centre and the k neighbours that it reaches to: density (k + 1) / k."""
    x = rng.standard_normal((300, 64))
    assert manifold_scores(x, x.copy(), k=5) == ManifoldScores(1.0, 1.0, 1.2, 1.0)


def test_manifold_scores_of_disjoint_sets(rng):
    x = rng.standard_normal((300, 8))
    assert manifold_scores(x, x + 100) == ManifoldScores(0.0, 0.0, 0.0, 0.0)


def test_a_class_that_is_missing(rng):
    """It shows in recall and coverage, by its share, and in the histogram, not in precision."""
    labels = np.repeat([0, 1, 2, 3], 150)
    real, drawn = (20 * labels[:, None] + rng.standard_normal((600, 3)) for _ in range(2))
    whole, lacking = manifold_scores(real, drawn), manifold_scores(real, drawn[labels != 2])
    assert whole.recall - lacking.recall == pytest.approx(0.25, abs=0.02)
    assert whole.coverage - lacking.coverage == pytest.approx(0.25, abs=0.02)
    assert lacking.precision == pytest.approx(whole.precision, abs=0.02)
    assert class_histogram_distance(labels, labels[labels != 2], 4) == pytest.approx(0.25)


@pytest.mark.parametrize(("n", "k", "most"), [(5, 5, 4), (10, 0, 9)])
def test_as_many_neighbours_as_there_are(rng, n, k, most):
    features = rng.standard_normal((10, 2))
    with pytest.raises(InputError, match=f"k: {k} must be from 1 to {most}"):
        manifold_scores(features, features[:n], k=k)
