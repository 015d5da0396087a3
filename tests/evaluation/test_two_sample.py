"""The test whether a classifier tells two sets of images apart."""

import jax
import numpy as np
import pytest
from scipy import stats

from sfumato.config.data import DataConfig
from sfumato.data.images import load_images
from sfumato.errors import InputError
from sfumato.evaluation.classifier_training import Fit, update
from sfumato.evaluation.two_sample import two_sample_accuracy


def fit(steps):
    return Fit(steps=steps, batch_size=16, learning_rate=1e-3, shift=0)


def test_two_halves_of_one_set_are_not_told_apart():
    images = load_images(DataConfig(), (8, 8, 1))["test_images"]
    images = np.random.default_rng(0).permutation(images)[:400]
    found = two_sample_accuracy(
        images[:200], images[200:], key=jax.random.key(0), folds=2, fit=fit(25)
    )
    assert found.accuracy == pytest.approx(0.5, abs=0.1)  # four standard errors
    assert found.low < found.accuracy < found.high


def test_disjoint_sets_are_told_apart_always():
    rng = np.random.default_rng(0)
    real, generated = rng.uniform(-1, -0.6, (2, 61, 8, 8, 1)) + [[[[[0]]]], [[[[1.6]]]]]
    options = {"key": jax.random.key(0), "folds": 4, "fit": fit(25)}
    programs = update.programs
    found = two_sample_accuracy(real, generated, **options)
    assert update.programs <= programs + 1  # folds of 15 and of 16 images, one program
    assert found.accuracy == found.high == 1
    # Clopper and Pearson: with no miss in n the lower end p solves p^n = 0.025
    assert found.low == pytest.approx(0.025 ** (1 / 122))
    assert found == two_sample_accuracy(real, generated, **options)


def test_the_interval_is_that_of_the_binomial_law():
    rng = np.random.default_rng(0)
    real, generated = rng.uniform(-1, 1, (2, 30, 8, 8, 1))
    found = two_sample_accuracy(real, generated, key=jax.random.key(0), folds=2, fit=fit(2))
    right = round(60 * found.accuracy)
    assert stats.binom.sf(right - 1, 60, found.low) == pytest.approx(0.025, rel=1e-6)
    assert stats.binom.cdf(right, 60, found.high) == pytest.approx(0.025, rel=1e-6)


def test_sets_that_cannot_be_compared():
    images = np.zeros((6, 8, 8, 1))
    for generated, options, words in [
        (images[:5], {}, "must be equally many and of one shape"),
        (images[:, :, :7], {}, "must be equally many and of one shape"),
        (images, {"folds": 7}, "folds: 7 must be from 2 to 6"),
        (images, {"folds": 1}, "folds: 1"),
        (np.full_like(images, np.nan), {}, "NaN"),
    ]:
        with pytest.raises(InputError, match=words):
            two_sample_accuracy(images, generated, key=jax.random.key(0), **options)
