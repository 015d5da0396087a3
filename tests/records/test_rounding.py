"""Checkpoints whose weights are rounded: how far they move, and what the manifest says."""

import json

import numpy as np
import pytest
from conftest import ROOT

from sfumato import DDPMModel, ModelConfig
from sfumato.errors import InputError
from sfumato.records.checkpoint import load_weights
from sfumato.records.rounding import BITS, round_checkpoint, rounded_to_bits

PARAMETERS = {"patch_size": 4, "channels": 8, "channel_multipliers": [1], "attention_levels": []}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rounding") / "before"
    DDPMModel(ModelConfig(name="small", parameters=PARAMETERS)).save(folder)
    return folder


def test_numbers_keep_their_first_bits():
    """Against exact arithmetic: a float64 has room for any float32 and its neighbours."""
    numbers = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    numbers = np.concatenate([numbers, numbers * 1e-30, [0, 1, -1, 0.1, 3e38]]).astype(np.float32)
    found = rounded_to_bits(numbers)
    assert found.dtype == np.float32
    unit = 2.0 ** (np.frexp(numbers.astype(np.float64))[1] - BITS)
    expected = np.rint(numbers.astype(np.float64) / unit) * unit
    np.testing.assert_array_equal(found.astype(np.float64), expected)
    assert not (found.view(np.uint32) & 0xFF).any()  # the last byte is zero
    assert (np.abs(found - numbers) <= 2.0**-BITS * np.abs(numbers)).all()


def test_it_is_smaller_and_says_what_it_was(saved, tmp_path):
    after = tmp_path / "after"
    round_checkpoint(saved, after)
    old, new = (json.loads((each / "manifest.json").read_text()) for each in (saved, after))
    assert new["stored_before"] == old["digest"] != new["digest"]
    assert new["provenance"] == old["provenance"]
    before, weights = load_weights(saved), load_weights(after)
    for name, array in weights.items():
        np.testing.assert_array_equal(array, rounded_to_bits(before[name]))
    sizes = [sum(p.stat().st_size for p in each.rglob("*")) for each in (saved, after)]
    assert sizes[1] < sizes[0]


def test_predictions_hardly_move(saved, tmp_path):
    round_checkpoint(saved, tmp_path / "after")
    x = np.random.default_rng(0).normal(size=(2, 28, 28, 1)).astype(np.float32)
    seen = [
        np.asarray(DDPMModel.load(each)(x, np.array([3, 700]))["predicted_noise"])
        for each in (saved, tmp_path / "after")
    ]
    assert 0 < np.abs(seen[0] - seen[1]).max() < 1e-3 * np.abs(seen[0]).max()


def test_the_shipped_one_is_rounded():
    weights = load_weights(ROOT / "resources" / "pretrained" / "fashion")
    assert all((array == rounded_to_bits(array)).all() for array in weights.values())


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no checkpoint"):
        round_checkpoint(tmp_path / "none", tmp_path / "after")
