"""Shares of classes, and how sure a classifier is."""

import numpy as np
import pytest

from sfumato.errors import InputError
from sfumato.evaluation.classes import (
    class_accuracy,
    class_histogram_distance,
    mean_confidence,
)


def test_class_histogram_distance():
    labels = np.array([0, 1, 2, 2])
    assert class_histogram_distance(labels, labels[::-1], 3) == 0
    assert class_histogram_distance(labels, np.repeat(labels, 3), 3) == 0
    assert class_histogram_distance(labels, np.array([3, 3]), 4) == 1
    # shares 1/4, 1/4, 1/2 and 1/2, 1/2, 0: half of 1/4 + 1/4 + 1/2
    assert class_histogram_distance(labels, np.array([0, 1]), 3) == 0.5


def test_class_accuracy():
    asked = np.array([0, 1, 2, -1, 2])
    assert class_accuracy(asked, np.array([0, 1, 1, 0, 2])) == 0.75
    assert class_accuracy(asked, asked) == 1
    assert class_accuracy(np.array([-1, -1]), np.array([0, 1])) is None


def test_mean_confidence():
    assert mean_confidence(np.eye(4)[[0, 3, 3]]) == 1
    assert mean_confidence(np.full((7, 4), 0.25)) == 0.25
    assert mean_confidence(np.array([[0.5, 0.5], [0.1, 0.9]])) == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("labels", "words"),
    [([0, 3], "3 must be from 0"), ([0.5], "whole numbers"), (np.array([], int), "N at least 1")],
)
def test_labels_that_are_none(labels, words):
    for pair in ((np.array(labels), np.array([0])), (np.array([0]), np.array(labels))):
        with pytest.raises(InputError, match=words):
            class_histogram_distance(*pair, 3)


@pytest.mark.parametrize(
    ("probabilities", "words"),
    [
        ([0.5, 0.5], "n_classes"),
        ([[0.5, 0.5], [0.5, 0.1]], "row 1 has the sum 0.6"),
        ([[0.5, np.nan]], "row 0"),
        ([[1.5, -0.5]], "least value -0.5"),
    ],
)
def test_probabilities_that_are_none(probabilities, words):
    with pytest.raises(InputError, match=words):
        mean_confidence(np.array(probabilities))
