"""The small classifier at work: features that tell classes apart, weights that come back."""

import jax
import numpy as np
import pytest
from flax import nnx

from sfumato.config.data import DataConfig
from sfumato.data.images import load_images
from sfumato.errors import InputError
from sfumato.evaluation.classifier import MICRO_BATCH, Classifier
from sfumato.evaluation.classifier_training import Fit, train_classifier
from sfumato.evaluation.lenet import max_pool
from sfumato.records.arrays import digest, save_arrays
from sfumato.records.opening import open_record
from sfumato.records.provenance import provenance
from sfumato.records.stage import Stage


@pytest.fixture(scope="module")
def digits():
    return load_images(DataConfig(), (16, 16, 1))


@pytest.fixture(scope="module")
def trained(digits):
    fit = Fit(steps=200, batch_size=32, learning_rate=4e-3)
    images, labels = digits["train_images"], digits["train_labels"]
    return train_classifier(images, labels, 10, fit, key=jax.random.key(0))


@pytest.fixture
def small():
    """Return 11 images of 9 x 8 x 3 and their labels, 0 .. 3."""
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (11, 9, 8, 3)).astype(np.float32), np.arange(11) % 4


def train(small):
    fit = Fit(steps=3, batch_size=4, learning_rate=1e-3)
    return train_classifier(*small, 4, fit, key=jax.random.key(0))


@pytest.mark.parametrize("shape", [(2, 28, 28, 3), (3, 9, 7, 2)])
def test_pooling_and_its_gradient_are_those_of_flax(shape):
    """Of whole numbers, of which many are equal: the gradient goes to the first."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, shape).astype(np.float32)
    ours, pull_ours = jax.vjp(max_pool, x)
    theirs, pull_theirs = jax.vjp(lambda x: nnx.max_pool(x, (2, 2), (2, 2)), x)
    np.testing.assert_array_equal(ours, theirs)
    gradient = rng.normal(size=ours.shape).astype(np.float32)
    np.testing.assert_array_equal(*pull_ours(gradient), *pull_theirs(gradient))


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


def test_image_i_is_the_same_beside_any_others(digits, trained):
    images = digits["test_images"][: 2 * MICRO_BATCH + 9]
    features, probabilities = trained.features(images), trained.probabilities(images)
    for part in (slice(0, 1), slice(0, MICRO_BATCH + 1), slice(5, 6), slice(70, 137)):
        np.testing.assert_array_equal(trained.features(images[part]), features[part])
        np.testing.assert_array_equal(trained.probabilities(images[part]), probabilities[part])
    order = np.random.default_rng(0).permutation(len(images))
    np.testing.assert_array_equal(trained.features(images[order]), features[order])


def test_weights_can_be_stored_and_restored(small, tmp_path):
    classifier = train(small)
    weights = classifier.weights()
    layers = ("conv_1", "conv_2", "dense", "head")
    assert set(weights) == {f"{layer}.{part}" for layer in layers for part in ("kernel", "bias")}
    record = provenance(Stage("train_classifier"), "classifier.npz")
    save_arrays(tmp_path / "classifier.npz", weights, record)
    stored = open_record(tmp_path / "classifier.npz").read()
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


def test_images_of_another_shape(small):
    classifier = train(small)
    for measure in (classifier.features, classifier.probabilities):
        with pytest.raises(InputError, match=r"\(8, 8, 3\) must be \(9, 8, 3\)"):
            measure(small[0][:, :8])


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
