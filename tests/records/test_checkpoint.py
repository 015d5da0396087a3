"""Checkpoints: what comes back, what is refused, and what damage is noticed."""

import gc
import hashlib
import json
import os
import resource
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest
from flax import nnx

from sfumato.config.diffusion import DiffusionConfig
from sfumato.errors import InputError
from sfumato.networks.initialisation import initialise
from sfumato.networks.naming import named
from sfumato.networks.unet_config import UNetConfig
from sfumato.records.alias import plain
from sfumato.records.arrays import digest
from sfumato.records.checkpoint import (
    load_checkpoint,
    load_weights,
    read_manifest,
    save_checkpoint,
)

MODEL = UNetConfig(
    input_dim=(8, 8, 1), channels=8, channel_multipliers=(1,), norm_groups=4, attention_levels=()
)
DIFFUSION = DiffusionConfig()


@pytest.fixture(scope="module")
def unet():
    return initialise(MODEL, jax.random.key(0))


@pytest.fixture(scope="module")
def saved(tmp_path_factory, unet):
    """Return a checkpoint, in a folder whose name has a space; no test changes it."""
    folder = tmp_path_factory.mktemp("saved") / "my results" / "checkpoint"
    save_checkpoint(folder, unet, DIFFUSION, {"seed": 0})
    return folder


@pytest.fixture(scope="module")
def another(tmp_path_factory):
    """Return a checkpoint of the same network with other weights; no test changes it."""
    folder = tmp_path_factory.mktemp("another") / "checkpoint"
    save_checkpoint(folder, initialise(MODEL, jax.random.key(9)), DIFFUSION, {"from": "another"})
    return folder


@pytest.fixture
def folder(tmp_path, saved):
    """Return a copy of the checkpoint."""
    return shutil.copytree(saved, tmp_path / "my results" / "checkpoint")


def arrays(unet):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(unet, nnx.Param))]


def test_what_was_saved_comes_back(saved, unet, monkeypatch):
    monkeypatch.chdir(saved.parent)
    restored, manifest = load_checkpoint(saved.relative_to(saved.parent), MODEL, DIFFUSION)
    assert nnx.graphdef(restored) == nnx.graphdef(unet)
    for a, b in zip(arrays(restored), arrays(unet), strict=True):
        np.testing.assert_array_equal(a, b)
    assert manifest["provenance"] == {"seed": 0}


def test_it_describes_itself(saved, unet):
    manifest = json.loads((saved / "manifest.json").read_text())
    assert manifest["model"]["architecture"] == "unet"
    assert manifest["model"]["input_dim"] == [8, 8, 1]
    assert manifest["diffusion"]["prediction_type"] == "epsilon"
    assert manifest["diffusion"]["beta_schedule"] == "linear"
    assert manifest["parameters"] == sum(leaf.size for leaf in arrays(unet))
    assert read_manifest(saved) == manifest


def test_its_weights_are_read_by_name_without_a_config(saved, unet):
    weights = load_weights(saved)
    expected = named(nnx.state(unet, nnx.Param))
    assert weights.keys() == expected.keys() and "down.0.0.conv_1.kernel" in weights
    for name, leaf in expected.items():
        np.testing.assert_array_equal(weights[name], leaf)


def test_the_digest_is_of_the_weights_alone(saved, another, unet, tmp_path):
    save_checkpoint(tmp_path / "again", unet, DIFFUSION, {"from": "elsewhere"})
    ours, again, other = (
        read_manifest(each)["digest"] for each in (saved, tmp_path / "again", another)
    )
    assert ours == again != other
    assert ours == digest(load_weights(saved))


def test_saving_again_replaces(folder):
    other = initialise(MODEL, jax.random.key(5))
    save_checkpoint(folder, other, DIFFUSION, {})
    restored, _ = load_checkpoint(folder, MODEL, DIFFUSION)
    np.testing.assert_array_equal(arrays(restored)[0], arrays(other)[0])


@pytest.mark.parametrize("name", ["thesis.tex", "statement.pdf", "state-of-the-art", ".git"])
def test_a_folder_that_holds_other_things_is_left_alone(name, tmp_path, unet):
    (tmp_path / name).write_text("years of work")
    (tmp_path / ".snakemake_timestamp").touch()  # Snakemake's, in each folder that is an output
    with pytest.raises(InputError, match=f"holds {name}, which is not part of a checkpoint"):
        save_checkpoint(tmp_path, unet, DIFFUSION, {})
    assert (tmp_path / name).read_text() == "years of work"


ODD = (
    *("gs:", "run [v2] {x}", "*", "a?b", "back\\slash", "100%41#h", "~", "-a 'b' $HOME"),
    *("new\nline", "café 日本", os.fsdecode(b"\xff\xfe"), "x" * 255),
)


@pytest.mark.parametrize("move", [False, True], ids=["saved there", "moved there"])
def test_any_path_will_do(move, saved, unet, tmp_path):
    """Even one that orbax and tensorstore take for a pattern, or for a cloud's."""
    folder = tmp_path.joinpath(*ODD)
    if move:
        shutil.copytree(saved, folder)
    else:
        save_checkpoint(folder, unet, DIFFUSION, {})
    restored, _ = load_checkpoint(folder, MODEL, DIFFUSION)
    np.testing.assert_array_equal(arrays(restored)[0], arrays(unet)[0])
    assert digest(load_weights(folder)) == read_manifest(folder)["digest"]
    assert os.listdir(folder.parent) == [folder.name]


def test_a_cloud_s_folder_and_a_pattern_have_a_plain_name(tmp_path, monkeypatch):
    for path in ("/gs/a", "/s3/a", "/home/a[1]", "/home/a\\b", "/home/é", "/a:b"):
        with plain(Path(path)) as place:
            assert str(place).startswith(tempfile.gettempdir()) and os.readlink(place) == path
        assert not place.parent.exists()
    for path in ("/home/my results/a-1", "/data/gs/a", "/home/~a+b=c,d@e"):
        with plain(Path(path)) as place:
            assert str(place) == path
    (tmp_path / "temporary [v2]").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary [v2]"))
    with plain(Path("/home/a[1]")) as place:
        assert "[" not in str(place)


def not_written(*arguments, **named):
    raise ValueError("the disk is broken\nand so on")


@contextmanager
def damaged_at_once(path):
    yield path
    truncate(path.parent, None)


@pytest.mark.parametrize(
    ("broken", "by", "said"),
    [
        ("ocp.StandardCheckpointer.save", not_written, "cannot be written: the disk is broken$"),
        ("file_aside", damaged_at_once, "cannot be written: what is read back is not what was"),
    ],
)
def test_an_earlier_checkpoint_stays_until_the_new_one_was_read_back(
    broken, by, said, saved, unet, tmp_path, monkeypatch
):
    folder = shutil.copytree(saved, tmp_path / "run [v2]" / "checkpoint")
    monkeypatch.setattr(f"sfumato.records.checkpoint.{broken}", by)
    with pytest.raises(InputError, match=said):
        save_checkpoint(folder, unet, DIFFUSION, {"seed": 1})
    monkeypatch.undo()
    assert os.listdir(folder.parent) == ["checkpoint"]
    assert load_checkpoint(folder, MODEL, DIFFUSION)[1]["provenance"] == {"seed": 0}


def changed_settings():
    """Walk the schema: one valid change of every setting of network and diffusion."""
    for key, value in {
        "architecture": "another",
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
        "path": "linear",
        "zero_terminal_snr": True,
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
def test_other_settings_are_refused_by_name(saved, name, model, diffusion):
    with pytest.raises(InputError, match=name):
        load_checkpoint(saved, model, diffusion)


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        ({"architecture": "other", "depth": 3}, "model.architecture = other, and the config says"),
        ({"architecture": "unet", "depth": 3}, "model.depth = 3, and the config says None"),
    ],
)
def test_settings_that_the_network_does_not_have_are_refused_by_name(
    saved, recorded, said, tmp_path
):
    """Those of another network, or of another version's."""
    folder = shutil.copytree(saved, tmp_path / "checkpoint")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"model": recorded}))
    with pytest.raises(InputError, match=f"was made with {said}"):
        load_checkpoint(folder, MODEL, DIFFUSION)


def delete_arrays(folder, another):
    shutil.rmtree(folder / "state")


def truncate(folder, another):
    """Cut the largest file of orbax's in half."""
    largest = max((folder / "state").rglob("*"), key=lambda path: path.stat().st_size)
    content = largest.read_bytes()
    largest.write_bytes(content[: len(content) // 2])


def flip_a_byte(folder, another):
    largest = max((folder / "state").rglob("*"), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 0xFF
    largest.write_bytes(bytes(content))


def exchange_the_arrays(folder, another):
    """Put whole, readable arrays of another network in their place."""
    delete_arrays(folder, another)
    shutil.copytree(another / "state", folder / "state")


def vouched_for(folder, another):
    """Do so, with a manifest that vouches for the files, but not for the weights."""
    exchange_the_arrays(folder, another)
    files = json.loads((another / "manifest.json").read_text())["files"]
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"files": files}))


def another_format(folder, another):
    """Write something else than orbax does, with a manifest that vouches for it."""
    delete_arrays(folder, another)
    (folder / "state").mkdir()
    (folder / "state" / "weights.bin").write_bytes(b"weights")
    manifest = json.loads((folder / "manifest.json").read_text())
    sha256 = hashlib.sha256(b"weights").hexdigest()
    manifest["files"] = {"weights.bin": sha256}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def unfinished(folder, another):
    (folder / "manifest.json").unlink()


def garbage_manifest(folder, another):
    (folder / "manifest.json").write_text("{")


def foreign_manifest(folder, another):
    (folder / "manifest.json").write_text('{"format": 2}')


def odd_manifest(folder, another):
    (folder / "manifest.json").write_text("[1]")


def binary_manifest(folder, another):
    (folder / "manifest.json").write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize(
    "damage",
    [
        *(delete_arrays, truncate, flip_a_byte, exchange_the_arrays),
        *(vouched_for, another_format),
        *(unfinished, garbage_manifest, foreign_manifest, odd_manifest, binary_manifest),
    ],
    ids=lambda damage: damage.__name__,
)
def test_damage_is_one_sentence(folder, another, damage):
    damage(folder, another)
    with pytest.raises(InputError, match="is damaged: .*; delete it and make it again") as caught:
        load_checkpoint(folder, MODEL, DIFFUSION)
    assert "\n" not in str(caught.value)


def test_another_format_is_refused(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    for odd in (["a"], {"a": 1}, None):
        (folder / "manifest.json").write_text(json.dumps(manifest | {"digest": odd}))
        with pytest.raises(InputError, match="is damaged: .*digest is no text"):
            read_manifest(folder)
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 1}))
    with pytest.raises(InputError, match="has format 1, and this version of sfumato reads format"):
        load_checkpoint(folder, MODEL, DIFFUSION)


def test_an_unknown_network_is_refused(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["model"]["architecture"] = "vgg"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="names no network .architecture: 'vgg' must be one of"):
        load_weights(folder)


def test_a_write_that_fails_is_told_in_one_sentence(tmp_path, unet, capfd, caplog):
    """A disk that is full, say: orbax and tensorstore print a traceback for each array."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(InputError, match="checkpoint .* cannot be written: File too large$"):
            save_checkpoint(tmp_path / "c", unet, DIFFUSION, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    gc.collect()
    assert (capfd.readouterr(), caplog.text, list(tmp_path.iterdir())) == (("", ""), "", [])


def test_no_checkpoint(tmp_path):
    with pytest.raises(
        InputError, match="there is no checkpoint at .*; `snakemake --cores 1 .*/no"
    ):
        load_checkpoint(tmp_path / "nothing", MODEL, DIFFUSION)


def test_what_is_no_checkpoint_names_the_one_that_was_meant(folder):
    with pytest.raises(InputError, match=r"; DDPMModel.pretrained\('digits'\) returns the one"):
        load_weights("digits")
    with pytest.raises(InputError, match="`snakemake --cores 1 'my results/digits'` builds it"):
        load_weights("my results/digits")
    with pytest.raises(InputError, match="is no checkpoint, .*; name .*my results/checkpoint"):
        load_weights(folder.parent)


def test_one_that_is_replaced_while_it_is_read_is_read_again(folder, another, monkeypatch):
    restore = ocp.StandardCheckpointer.restore

    def replaced(*arguments, **named):
        monkeypatch.undo()
        shutil.rmtree(folder)
        shutil.copytree(another, folder)
        return restore(*arguments, **named)

    monkeypatch.setattr(ocp.StandardCheckpointer, "restore", replaced)
    restored, manifest = load_checkpoint(folder, MODEL, DIFFUSION)
    assert manifest["provenance"] == {"from": "another"}
    assert digest(named(nnx.state(restored, nnx.Param))) == manifest["digest"]


def test_settings_that_changed_in_one_place_are_damage(tmp_path, unet):
    made = {"settings": {"diffusion": DIFFUSION.model_dump(mode="json")}}
    save_checkpoint(tmp_path / "a", unet, DIFFUSION, made)
    path = tmp_path / "a" / "manifest.json"
    path.write_text(path.read_text().replace('"beta_end": 0.02', '"beta_end": 0.03', 1))
    with pytest.raises(InputError, match="is damaged: .*diffusion.beta_end is 0.0[23] and 0.0[23]"):
        read_manifest(tmp_path / "a")


def test_a_manifest_that_is_no_file_is_not_waited_for(tmp_path):
    (tmp_path / "state").mkdir()
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(InputError, match=r"its manifest\.json is no file"):
        load_checkpoint(tmp_path, MODEL, DIFFUSION)


def test_threads_that_save_into_one_folder_do_it_in_turn(unet, tmp_path):
    with ThreadPoolExecutor(3) as pool:
        saves = [pool.submit(save_checkpoint, tmp_path / "a", unet, DIFFUSION, {}) for _ in "abcd"]
        assert [save.result() for save in saves] == [None] * 4
    load_checkpoint(tmp_path / "a", MODEL, DIFFUSION)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("text", ["null", "[]", "3"])
def test_a_manifest_that_is_no_mapping(text, folder):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest.json cannot be read \(it holds no mapping\)"):
        read_manifest(folder)
