"""Checkpoints: what comes back, what is refused, and what damage is noticed."""

import hashlib
import json
import shutil

import jax
import numpy as np
import pytest
from flax import nnx

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.model import UNetConfig
from sfumato.errors import InputError
from sfumato.networks.unet import initialise
from sfumato.records.checkpoint import load_checkpoint, save_checkpoint

MODEL = UNetConfig(
    input_dim=(8, 8, 1), channels=8, channel_multipliers=(1, 2), norm_groups=4, attention_levels=()
)
DIFFUSION = DiffusionConfig()


@pytest.fixture(scope="module")
def unet():
    return initialise(MODEL, jax.random.key(0))


@pytest.fixture
def folder(tmp_path, unet):
    """Return a checkpoint, in a folder whose name has a space."""
    folder = tmp_path / "my results" / "checkpoint"
    save_checkpoint(folder, unet, DIFFUSION, {"seed": 0})
    return folder


def arrays(unet):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(unet, nnx.Param))]


def test_what_was_saved_comes_back(folder, unet, monkeypatch):
    monkeypatch.chdir(folder.parent)
    restored, manifest = load_checkpoint(folder.relative_to(folder.parent), MODEL, DIFFUSION)
    for a, b in zip(arrays(restored), arrays(unet), strict=True):
        np.testing.assert_array_equal(a, b)
    assert manifest["provenance"] == {"seed": 0}
    x, t = jax.numpy.ones((1, 8, 8, 1)), jax.numpy.zeros(1)
    np.testing.assert_array_equal(restored(x, t), unet(x, t))


def test_it_describes_itself(folder, unet):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["model"]["input_dim"] == [8, 8, 1]
    assert manifest["diffusion"]["prediction_type"] == "epsilon"
    assert manifest["diffusion"]["beta_schedule"] == "linear"
    assert manifest["parameters"] == sum(leaf.size for leaf in arrays(unet))


def test_the_digest_is_of_the_weights_alone(tmp_path, unet):
    digests = []
    for name, weights in (("a", unet), ("b", unet), ("c", initialise(MODEL, jax.random.key(1)))):
        save_checkpoint(tmp_path / name, weights, DIFFUSION, {"from": name})
        digests.append(load_checkpoint(tmp_path / name, MODEL, DIFFUSION)[1]["digest"])
    assert digests[0] == digests[1] != digests[2]


def test_saving_again_replaces(folder):
    other = initialise(MODEL, jax.random.key(5))
    save_checkpoint(folder, other, DIFFUSION, {})
    restored, _ = load_checkpoint(folder, MODEL, DIFFUSION)
    np.testing.assert_array_equal(arrays(restored)[0], arrays(other)[0])


def changed_settings():
    """Walk the schema: one valid change of every setting of network and diffusion."""
    for key, value in {
        "input_dim": (8, 9, 1),
        "patch_size": 2,
        "channels": 16,
        "channel_multipliers": (1, 2, 2),
        "blocks_per_level": 2,
        "attention_levels": (1,),
        "attention_heads": 2,
        "norm_groups": 2,
        "dropout": 0.5,
        "num_classes": 10,
    }.items():
        yield f"model.{key}", MODEL.model_copy(update={key: value}), DIFFUSION
    for key, value in {
        "noise_steps": 500,
        "beta_schedule": "cosine",
        "beta_start": 1e-3,
        "beta_end": 0.03,
        "prediction_type": "v",
    }.items():
        yield f"diffusion.{key}", MODEL, DIFFUSION.model_copy(update={key: value})


def test_every_setting_has_a_change():
    names = {name for name, *_ in changed_settings()}
    assert names == {f"model.{key}" for key in UNetConfig.model_fields} | {
        f"diffusion.{key}" for key in DiffusionConfig.model_fields
    }


@pytest.mark.parametrize(("name", "model", "diffusion"), list(changed_settings()))
def test_other_settings_are_refused_by_name(folder, name, model, diffusion):
    with pytest.raises(InputError, match=name):
        load_checkpoint(folder, model, diffusion)


def delete_arrays(folder):
    shutil.rmtree(folder / "state")


def truncate(folder):
    """Cut the largest file of orbax's in half."""
    largest = max((folder / "state").rglob("*"), key=lambda path: path.stat().st_size)
    content = largest.read_bytes()
    largest.write_bytes(content[: len(content) // 2])


def flip_a_byte(folder):
    largest = max((folder / "state").rglob("*"), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 0xFF
    largest.write_bytes(bytes(content))


def exchange_the_arrays(folder):
    """Put whole, readable arrays of another network in their place."""
    other = folder.parent / "other"
    save_checkpoint(other, initialise(MODEL, jax.random.key(9)), DIFFUSION, {})
    delete_arrays(folder)
    shutil.move(other / "state", folder / "state")


def another_format(folder):
    """Write something else than orbax does, with a manifest that vouches for it."""
    delete_arrays(folder)
    (folder / "state").mkdir()
    (folder / "state" / "weights.bin").write_bytes(b"weights")
    manifest = json.loads((folder / "manifest.json").read_text())
    sha256 = hashlib.sha256(b"weights").hexdigest()
    manifest["files"] = {"weights.bin": sha256}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def unfinished(folder):
    (folder / "manifest.json").unlink()


def garbage_manifest(folder):
    (folder / "manifest.json").write_text("{")


def foreign_manifest(folder):
    (folder / "manifest.json").write_text('{"format": 1}')


def odd_manifest(folder):
    (folder / "manifest.json").write_text("[1]")


def binary_manifest(folder):
    (folder / "manifest.json").write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize(
    "damage",
    [
        *(delete_arrays, truncate, flip_a_byte, exchange_the_arrays, another_format),
        *(unfinished, garbage_manifest, foreign_manifest, odd_manifest, binary_manifest),
    ],
    ids=lambda damage: damage.__name__,
)
def test_damage_is_one_sentence(folder, damage):
    damage(folder)
    with pytest.raises(InputError, match="is damaged: .*; delete it and make it again") as caught:
        load_checkpoint(folder, MODEL, DIFFUSION)
    assert "\n" not in str(caught.value)


def test_no_checkpoint(tmp_path):
    with pytest.raises(InputError, match="there is no checkpoint at"):
        load_checkpoint(tmp_path / "nothing", MODEL, DIFFUSION)
