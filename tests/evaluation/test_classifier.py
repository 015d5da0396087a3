"""The small classifier, and the test whether a classifier tells two sets of images apart."""

import jax
import numpy as np
import pytest
from scipy import stats

from sfumato.config.data import DataConfig
from sfumato.data.images import load_images
from sfumato.errors import InputError
from sfumato.evaluation.classifier import (
    MICRO_BATCH,
    Classifier,
    _order,
    _shifted,
    _update,
    train_classifier,
)
from sfumato.evaluation.two_sample import two_sample_accuracy
from sfumato.records.arrays import digest, load_arrays, save_arrays

QUICK = {"steps": 3, "batch_size": 4, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def digits():
    return load_images(DataConfig(), (28, 28, 1))


@pytest.fixture(scope="module")
def trained(digits):
    return train_classifier(
        *(digits["train_images"], digits["train_labels"], 10),
        steps=150,
        batch_size=32,
        learning_rate=2e-3,
        key=jax.random.key(0),
    )


@pytest.fixture
def small():
    """Return 11 images of 9 x 8 x 3 and their labels, 0 .. 3."""
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (11, 9, 8, 3)).astype(np.float32), np.arange(11) % 4


def train(small, seed=0, **changes):
    return train_classifier(*small, 4, key=jax.random.key(seed), **{**QUICK, **changes})


def test_it_learns_digits(digits, trained):
    probabilities = trained.probabilities(digits["test_images"])
    assert (probabilities.argmax(axis=1) == digits["test_labels"]).mean() > 0.9
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_features_tell_the_classes_apart(digits, trained):
    """A nearest mean in feature space names most held-out digits."""
    features = trained.features(digits["train_images"][:1000])
    assert features.shape == (1000, 64) and features.dtype == np.float32 and features.min() >= 0
    assert (np.ptp(features, axis=0) > 0).sum() > 32
    means = np.stack([features[digits["train_labels"][:1000] == c].mean(0) for c in range(10)])
    held_out = trained.features(digits["test_images"])
    nearest = np.linalg.norm(held_out[:, None] - means, axis=-1).argmin(axis=1)
    assert (nearest == digits["test_labels"]).mean() > 0.85


def test_image_i_is_the_same_in_any_company(digits, trained):
    images = digits["test_images"][: 2 * MICRO_BATCH + 9]
    features, probabilities = trained.features(images), trained.probabilities(images)
    for part in (slice(0, 1), slice(0, MICRO_BATCH + 1), slice(5, 6), slice(70, 137)):
        np.testing.assert_array_equal(trained.features(images[part]), features[part])
        np.testing.assert_array_equal(trained.probabilities(images[part]), probabilities[part])
    order = np.random.default_rng(0).permutation(len(images))
    np.testing.assert_array_equal(trained.features(images[order]), features[order])


def test_one_key_one_classifier_and_one_program(small):
    first = train(small)
    programs = _update.compiled._cache_size()
    assert digest(train(small).weights()) == digest(first.weights())
    others = [train(small, seed=1), train((small[0][:7], small[1][:7]))]
    assert len({digest(other.weights()) for other in [first, *others]}) == 3
    assert _update.compiled._cache_size() == programs


def test_weights_can_be_stored_and_restored(small, tmp_path):
    classifier = train(small)
    weights = classifier.weights()
    layers = ("conv_1", "conv_2", "dense", "head")
    assert set(weights) == {f"{layer}.{part}" for layer in layers for part in ("kernel", "bias")}
    save_arrays(tmp_path / "classifier.npz", weights, {})
    stored, _ = load_arrays(tmp_path / "classifier.npz")
    restored = Classifier.from_weights(stored, (9, 8, 3), 4)
    assert digest(restored.weights()) == digest(weights)
    np.testing.assert_array_equal(restored.features(small[0]), classifier.features(small[0]))


def test_only_the_8_bit_image_counts(small):
    classifier = train(small)
    rounded = np.round((small[0] + 1) * 127.5) / 127.5 - 1
    np.testing.assert_array_equal(classifier.features(small[0]), classifier.features(rounded))


def test_any_shape():
    images = np.random.default_rng(0).uniform(-1, 1, (5, 11, 30, 2))
    classifier = train((images, np.arange(5) % 4))
    assert classifier.features(images).shape == (5, 64)
    assert classifier.probabilities(images).shape == (5, 4)


def test_every_epoch_shows_every_image_once():
    order = _order(7, 24, jax.random.key(0))
    epochs = [sorted(order[first : first + 7].tolist()) for first in (0, 7, 14)]
    assert epochs == [list(range(7))] * 3 and len(order) == 24
    assert order[:7].tolist() != order[7:14].tolist()


def test_shifts_move_whole_images_by_two_pixels_at_most():
    x = np.zeros((400, 9, 9, 1), np.float32)
    x[:, 4, 4] = 1
    moved = np.asarray(_shifted(x, 2, jax.random.key(0)))
    assert (moved.sum(axis=(1, 2, 3)) == 1).all()
    places = np.argwhere(moved == 1)[:, 1:3] - 4
    assert {tuple(place) for place in places.tolist()} == {
        (row, column) for row in range(-2, 3) for column in range(-2, 3)
    }
    flat = np.full((3, 9, 9, 1), 0.3, np.float32)  # the edge is repeated: nothing new comes in
    np.testing.assert_array_equal(_shifted(flat, 2, jax.random.key(0)), flat)


# --- two-sample test ---


def test_two_halves_of_one_set_are_not_told_apart(digits):
    images = np.random.default_rng(0).permutation(digits["test_images"][:, 4:28:3, 4:28:3])[:400]
    found = two_sample_accuracy(
        images[:200], images[200:], key=jax.random.key(0), folds=2, steps=25, batch_size=16
    )
    assert found.accuracy == pytest.approx(0.5, abs=0.1)  # four standard errors
    assert found.low < found.accuracy < found.high


def test_disjoint_sets_are_told_apart_always():
    rng = np.random.default_rng(0)
    real, generated = rng.uniform(-1, -0.6, (2, 61, 8, 8, 1)) + [[[[[0]]]], [[[[1.6]]]]]
    options = {"key": jax.random.key(0), "folds": 4, "steps": 25, "batch_size": 16}
    programs = _update.compiled._cache_size()
    found = two_sample_accuracy(real, generated, **options)
    assert (
        _update.compiled._cache_size() <= programs + 1
    )  # folds of 15 and of 16 images, one program
    assert found.accuracy == found.high == 1
    # Clopper and Pearson: with no miss in n the lower end p solves p^n = 0.025
    assert found.low == pytest.approx(0.025 ** (1 / 122))
    assert found == two_sample_accuracy(real, generated, **options)


def test_the_interval_is_that_of_the_binomial_law():
    rng = np.random.default_rng(0)
    real, generated = rng.uniform(-1, 1, (2, 30, 8, 8, 1))
    found = two_sample_accuracy(
        real, generated, key=jax.random.key(0), folds=2, steps=2, batch_size=16
    )
    right = round(60 * found.accuracy)
    assert stats.binom.sf(right - 1, 60, found.low) == pytest.approx(0.025, rel=1e-6)
    assert stats.binom.cdf(right, 60, found.high) == pytest.approx(0.025, rel=1e-6)


# --- what is refused ---


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": 0}, "steps: 0 must be at least 1"),
        ({"batch_size": 0}, "batch_size: 0"),
        ({"learning_rate": -1.0}, "learning_rate: -1.0 must be more than 0"),
        ({"learning_rate": float("nan")}, "learning_rate: nan"),
        ({"shift": -1}, "shift: -1"),
        ({"learning_rate": 1e38, "steps": 20}, "became NaN or infinite; choose a smaller one"),
    ],
)
def test_settings_out_of_range(small, changes, words):
    with pytest.raises(InputError, match=words):
        train(small, **changes)


def test_images_and_labels_that_do_not_go_together(small):
    images, labels = small
    cases = [
        (images[:5], labels, "11 for 5 images"),
        (images, labels + 1, "labels: 4 must be from 0 to 3"),
        (images, labels / 2, "whole numbers"),
        (images[:, :7], labels, r"\(7, 8\) pixels are too few"),
        (images[..., 0], labels, r"must be \(N, H, W, C\)"),
        (np.where(images > 0.9, np.nan, images), labels, "NaN"),
    ]
    for bad_images, bad_labels, words in cases:
        with pytest.raises(InputError, match=words):
            train((bad_images, bad_labels))
    with pytest.raises(InputError, match="n_classes: 1"):
        train_classifier(images, labels * 0, 1, key=jax.random.key(0), **QUICK)
    classifier = train(small)
    for measure in (classifier.features, classifier.probabilities):
        with pytest.raises(InputError, match=r"\(8, 8, 3\) must be \(9, 8, 3\)"):
            measure(images[:, :8])


def test_weights_of_another_classifier(small):
    weights = train(small).weights()
    cases = [
        ({"head.bias": None}, "head.bias has the shape None"),
        ({"extra": np.zeros(2)}, "extra has the shape"),
        ({"conv_1.kernel": np.zeros((5, 5, 1, 16))}, "conv_1.kernel"),
        ({"dense.bias": np.full(64, np.nan)}, "dense.bias holds NaN"),
    ]
    for changes, words in cases:
        changed = {name: w for name, w in {**weights, **changes}.items() if w is not None}
        with pytest.raises(InputError, match=words):
            Classifier.from_weights(changed, (9, 8, 3), 4)
    with pytest.raises(InputError, match=r"head.bias has the shape \(4,\), and .* needs \(5,\)"):
        Classifier.from_weights(weights, (9, 8, 3), 5)


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
