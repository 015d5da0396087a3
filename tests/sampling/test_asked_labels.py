"""The classes that samples are asked for."""

import jax
import numpy as np
import pytest

from sfumato.compute.randomness import stage_key
from sfumato.sampling.labels import asked_labels

pytestmark = pytest.mark.quick_compile
KEY = stage_key(0, 3)


def asked(indices, labels="random", key=KEY, classes=10):
    return np.asarray(asked_labels(labels, indices, key, classes))


def test_in_turn_or_none():
    assert asked(range(1, 4), (3, 8)).tolist() == [8, 3, 8]
    assert asked_labels(None, range(3), KEY, 10) is None


def test_random_classes_are_equally_frequent():
    """Counts of 10,000 lie within five standard deviations of N / C."""
    counts = np.bincount(asked(range(10_000)), minlength=10)
    assert len(counts) == 10
    np.testing.assert_allclose(counts, 1000, atol=5 * 900**0.5)


def test_a_random_class_depends_on_the_sample_and_the_key_alone():
    whole = asked(range(40))
    np.testing.assert_array_equal(asked(range(15, 40)), whole[15:])
    assert (asked(range(40), key=stage_key(1, 3)) != whole).any()
    with jax.enable_x64(True):
        np.testing.assert_array_equal(asked(range(40)), whole)
