"""The scores against other people's code, on random features: prdc, scipy and scikit-learn."""

import numpy as np
import pytest
from scipy import linalg, stats
from sklearn import metrics

from sfumato.evaluation.classes import class_accuracy
from sfumato.evaluation.frechet import frechet_distance
from sfumato.evaluation.kernel import kernel_distance
from sfumato.evaluation.memorisation import memorisation
from sfumato.evaluation.neighbours import manifold_scores
from sfumato.evaluation.quantise import quantise

SIZES = [(60, 90, 4), (120, 120, 64), (200, 50, 16)]


def features(n, m, d):
    rng = np.random.default_rng(n)
    mix = rng.standard_normal((d, d))
    return rng.standard_normal((n, d)) @ mix, rng.standard_normal((m, d)) @ mix * 0.9 + 0.3


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("size", SIZES)
def test_precision_recall_density_and_coverage_are_those_of_prdc(size, k, capsys):
    from prdc import compute_prdc

    real, generated = features(*size)
    theirs = compute_prdc(real, generated, nearest_k=k)
    ours = vars(manifold_scores(real, generated, k))
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize("size", SIZES)
def test_the_frechet_distance_is_that_of_scipys_root(size):
    a, b = features(*size)
    s, r = np.cov(a.T), np.cov(b.T)
    root = linalg.sqrtm(s @ r).real
    theirs = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(s + r - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(theirs, rel=1e-6)


def test_the_rank_sum_of_memorisation_is_that_of_scipy():
    rng = np.random.default_rng(0)
    train, held_out, generated = (rng.uniform(-1, 1, (n, 4, 4, 1)) for n in (80, 40, 30))
    generated[:3] = train[:3]
    found = memorisation(train, held_out, generated)
    pixels = [quantise(x).reshape(len(x), -1).astype(np.float64) for x in (train, held_out)]
    usual = metrics.pairwise_distances(pixels[1], pixels[0]).min(axis=1)
    rank_sum = stats.mannwhitneyu(usual, found.distances).statistic
    assert found.auc == pytest.approx(rank_sum / (40 * 30), abs=1e-6)


def test_the_kernel_distance_is_that_of_whole_kernel_matrices():
    a, b = features(70, 50, 8)
    within = [metrics.pairwise.polynomial_kernel(x, degree=3, gamma=1 / 8) for x in (a, b)]
    between = metrics.pairwise.polynomial_kernel(a, b, degree=3, gamma=1 / 8)
    means = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in within]
    assert kernel_distance(a, b) == pytest.approx(sum(means) - 2 * between.mean(), rel=1e-6)


def test_class_accuracy_is_that_of_scikit_learn():
    asked, guesses = np.random.default_rng(0).integers(0, 10, (2, 200))
    assert class_accuracy(asked, guesses) == pytest.approx(metrics.accuracy_score(asked, guesses))
