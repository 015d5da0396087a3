"""How the small classifier learns: one key, one classifier, one program."""

import jax
import numpy as np
import pytest

from sfumato.errors import InputError
from sfumato.evaluation.classifier_training import (
    Fit,
    image_order,
    shifted,
    train_classifier,
    update,
)
from sfumato.records.arrays import digest

QUICK = {"steps": 3, "batch_size": 4, "learning_rate": 1e-3}


@pytest.fixture
def small():
    """Return 11 images of 9 x 8 x 3 and their labels, 0 .. 3."""
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (11, 9, 8, 3)).astype(np.float32), np.arange(11) % 4


def train(small, seed=0, **changes):
    return train_classifier(*small, 4, Fit(**{**QUICK, **changes}), key=jax.random.key(seed))


def test_one_key_one_classifier_and_one_program(small):
    first = train(small)
    programs = update.programs
    assert digest(train(small).weights()) == digest(first.weights())
    others = [train(small, seed=1), train((small[0][:7], small[1][:7]))]
    assert len({digest(other.weights()) for other in [first, *others]}) == 3
    assert update.programs == programs


def test_every_epoch_shows_every_image_once():
    order = image_order(7, 24, jax.random.key(0))
    epochs = [sorted(order[first : first + 7].tolist()) for first in (0, 7, 14)]
    assert epochs == [list(range(7))] * 3 and len(order) == 24
    assert order[:7].tolist() != order[7:14].tolist()


def test_shifts_move_whole_images_by_two_pixels_at_most():
    x = np.zeros((400, 9, 9, 1), np.float32)
    x[:, 4, 4] = 1
    moved = np.asarray(shifted(x, 2, jax.random.key(0)))
    assert (moved.sum(axis=(1, 2, 3)) == 1).all()
    places = np.argwhere(moved == 1)[:, 1:3] - 4
    assert {tuple(place) for place in places.tolist()} == {
        (row, column) for row in range(-2, 3) for column in range(-2, 3)
    }
    flat = np.full((3, 9, 9, 1), 0.3, np.float32)  # the edge is repeated: nothing new comes in
    np.testing.assert_array_equal(shifted(flat, 2, jax.random.key(0)), flat)


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
        train_classifier(images, labels * 0, 1, Fit(**QUICK), key=jax.random.key(0))
