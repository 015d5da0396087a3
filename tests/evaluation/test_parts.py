"""Scores of each class by itself, and of the first n images."""

import numpy as np
import pytest
from prdc import compute_prdc

from sfumato.evaluation.parts import by_class, by_size

RNG = np.random.default_rng(0)
REAL, GENERATED = RNG.normal(size=(90, 6)), RNG.normal(0.3, 1, size=(60, 6))
LABELS, ASKED = np.arange(90) % 3, np.arange(60) % 3


def test_each_class_is_scored_by_itself():
    """Against an independent implementation, class by class."""
    guesses = np.where(np.arange(60) < 30, ASKED, (ASKED + 1) % 3)
    found = by_class(REAL, LABELS, GENERATED, ASKED, guesses, 4)
    for number in range(3):
        ours, theirs = GENERATED[ASKED == number], REAL[LABELS == number]
        expected = compute_prdc(theirs, ours, 4)
        assert found["precision"][number] == pytest.approx(expected["precision"])
        assert found["recall"][number] == pytest.approx(expected["recall"])
    assert found["class_accuracy"] == [0.5, 0.5, 0.5]


def test_classes_of_few_images_have_no_scores():
    assert by_class(REAL, LABELS, GENERATED[:12], ASKED[:12], ASKED[:12], 4) == {}
    few = LABELS < 2  # of the last class that is asked for, there is no real image
    assert by_class(REAL[few], LABELS[few], GENERATED, ASKED, ASKED, 4) == {}


def test_sizes_are_the_first_images_of_both_sides():
    def scores(real, generated):
        return {"first": real[0, 0], "of": len(real) + len(generated)}

    assert by_size(REAL, GENERATED, scores, 5) == {
        "n_samples": [7.0, 15.0, 30.0, 60.0],
        "first": [REAL[0, 0]] * 4,
        "of": [14.0, 30.0, 60.0, 120.0],
    }
    assert by_size(REAL, GENERATED, scores, 20)["n_samples"] == [30.0, 60.0]
