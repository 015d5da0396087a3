"""The 256 levels of a PNG."""

import numpy as np
import pytest

from sfumato.errors import InputError
from sfumato.evaluation.quantise import quantise


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def images_like(values):
    return np.asarray(values, np.float32).reshape(-1, 1, 1, 1)


def test_a_png_keeps_what_was_8_bit_to_the_bit():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    images = (levels / 127.5 - 1).astype(np.float32)
    np.testing.assert_array_equal(quantise(images), images)
    assert quantise(images).dtype == np.float32


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
        (np.zeros((0, 8, 8, 1)), "at least one image"),
        (images_like([0, 0, np.nan]), "1 of 3, image 2 the first"),
        (images_like([0, np.inf]), "NaN or infinite"),
    ],
)
def test_quantise_refuses(images, words):
    with pytest.raises(InputError, match=words):
        quantise(images)
