"""Whether generated images are copies of training images."""

import numpy as np
import pytest

from sfumato.errors import InputError
from sfumato.evaluation.memorisation import memorisation

pytestmark = pytest.mark.quick_compile


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def images_like(values):
    return np.asarray(values, np.float32).reshape(-1, 1, 1, 1)


def test_memorisation_of_single_pixels():
    """Grey levels in units of 2/255: train 0, 100, 200; held-out 10, 130; generated 200, 203, 104.

    Held-out images are 10 and 30 away, generated ones 0, 3, 4, from training images 2, 2, 1.
    """
    train, held_out, drawn = (
        images_like(levels) * 2 / 255 - 1 for levels in ([0, 100, 200], [10, 130], [200, 203, 104])
    )
    found = memorisation(train, held_out, drawn)
    np.testing.assert_allclose(found.distances * 127.5, [0, 3, 4], atol=1e-4)
    assert found.nearest.tolist() == [2, 2, 1]
    assert found.median_generated * 127.5 == pytest.approx(3, abs=1e-4)
    assert found.median_held_out * 127.5 == pytest.approx(20, abs=1e-4)
    assert found.share_closer == 1 and found.auc == 1


def test_copies_are_flagged_and_fresh_draws_are_not(rng):
    train, held_out, fresh = rng.uniform(-1, 1, (3, 400, 6, 6, 1))
    copies = memorisation(train, held_out, train[::-1] + 1e-4)  # less than half a grey level
    assert (copies.share_closer, copies.auc, copies.median_generated) == (1, 1, 0)
    assert copies.nearest.tolist() == list(range(400))[::-1]
    new = memorisation(train, held_out, fresh)
    assert new.auc == pytest.approx(0.5, abs=0.08) and new.share_closer < 0.12
    half = memorisation(train, held_out, np.concatenate([train[:200], fresh[:200]]))
    assert half.auc == pytest.approx(0.75, abs=0.05)
    assert half.share_closer == pytest.approx(0.525, abs=0.05)


def test_where_all_are_copies_nothing_is_nearer(rng):
    train = rng.uniform(-1, 1, (30, 4, 4, 1))
    assert memorisation(train, train[:10], train[10:]).auc == 0.5


def test_images_of_another_shape():
    with pytest.raises(InputError, match=r"\(9, 8, 1\) must be \(8, 8, 1\)"):
        memorisation(*[np.zeros((2, 8, 8, 1))] * 2, np.zeros((2, 9, 8, 1)))
