"""NaN, infinities and blank images."""

import numpy as np
import pytest

from sfumato.errors import InputError
from sfumato.records.checks import check_images, checked

IMAGES = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 2, 2, 1)
BLANK = np.full((2, 2, 2, 1), 0.5, np.float32)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_broken_value_fails(value):
    broken = IMAGES.copy()
    broken[1, 0, 0, 0] = value
    with pytest.raises(InputError, match=r"x: 8.3% of the values are NaN or infinite"):
        check_images("x", broken)
    with pytest.raises(InputError, match="NaN"):
        list(checked("x", [IMAGES, broken]))


def test_single_blank_images_pass_with_one_line(caplog):
    check_images("x", IMAGES)
    check_images("x", np.ones((2, 1, 1, 1)))  # one pixel is no picture, and not blank either
    assert not caplog.records
    blocks = [IMAGES, BLANK, IMAGES]
    assert list(checked("x", blocks, first=10)) == blocks
    assert [record.message for record in caplog.records] == [
        "x: 2 of 8 images are blank, image 13 the first"
    ]


def trained():
    """Return the record of samples of a network that was trained."""
    made = {"script": "train.py", "inputs": {}}
    adopted = {"script": "adopt.py", "inputs": {"pretrained": {"digest": "", "provenance": made}}}
    origin = {"digest": "", "provenance": adopted}
    return {"script": "sample.py", "inputs": {"checkpoint": origin}}


def test_nothing_but_blank_images_fails(caplog):
    with pytest.raises(InputError, match=r"x: every image is blank, image 0 about 0.5 everywhere"):
        list(checked("x", [BLANK, BLANK]))
    list(checked("x", [BLANK], first=4, total=6))  # a shard of a set whose others may be in order
    assert len(caplog.records) == 1
    with pytest.raises(InputError, match="every image is blank"):
        list(checked("x", [BLANK], total=2))


def test_a_network_that_was_trained_may_have_learnt_blank_pictures(caplog):
    assert len(list(checked("x", [BLANK, BLANK], record=trained()))) == 2
    (said,) = (record.message for record in caplog.records)
    assert said.startswith(
        "x: every image is blank, image 0 about 0.5 everywhere; if the network did not"
    )
    fitted = {"script": "DDPMModel.save", "settings": {"training": {"steps": 3}}, "inputs": {}}
    assert len(list(checked("x", [BLANK, BLANK], record=fitted))) == 2
    with pytest.raises(InputError, match="NaN"):
        check_images("x", np.nan * BLANK, trained())
