"""Checkpoints: weights written by orbax, and a manifest that says what they are.

checkpoint/
    state/          the arrays, orbax's own format
    manifest.json   settings of network and diffusion, digests of arrays and files, provenance

The manifest is written last: a checkpoint without one was never finished.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from flax import nnx

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.model import UNetConfig
from sfumato.errors import InputError
from sfumato.networks.unet import UNet, skeleton
from sfumato.records.arrays import digest, write_whole

STATE, MANIFEST = "state", "manifest.json"
FORMAT = 1  # of the folder; another number is another sfumato's
_KEYS = ("model", "diffusion", "files", "provenance", "digest", "format")


def save_checkpoint(
    folder: Path, unet: UNet, diffusion: DiffusionConfig, provenance: Mapping[str, Any]
) -> None:
    """Write a checkpoint; when this returns, it is complete on disk."""
    folder = folder.resolve()
    _make_room(folder)
    arrays = _named(nnx.state(unet, nnx.Param))
    try:
        with ocp.StandardCheckpointer() as checkpointer:
            checkpointer.save(folder / STATE, arrays)
            checkpointer.wait_until_finished()
    except Exception as error:  # orbax and tensorstore raise a dozen kinds, of a full disk too
        shutil.rmtree(folder, ignore_errors=True)
        raise InputError(f"the checkpoint {folder} cannot be written: {_reason(error)}") from None
    manifest = {
        "format": FORMAT,
        "model": unet.config.model_dump(),
        "diffusion": diffusion.model_dump(),
        "parameters": sum(array.size for array in arrays.values()),
        "digest": digest(jax.device_get(arrays)),
        "files": _file_digests(folder / STATE),
        "provenance": provenance,
    }
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    write_whole(folder / MANIFEST, lambda path: path.write_text(text, encoding="utf-8"))


def _make_room(folder: Path) -> None:
    """Empty the folder of an earlier checkpoint, finished or not; leave any other folder alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if not path.name.startswith((STATE, MANIFEST, ".")):
            raise InputError(
                f"{folder}: this folder holds {path.name}, which is no part of a checkpoint; "
                "nothing was deleted: name another folder"
            )
    shutil.rmtree(folder)
    folder.mkdir()


def load_checkpoint(
    folder: Path, model: UNetConfig, diffusion: DiffusionConfig
) -> tuple[UNet, dict[str, Any]]:
    """Restore the network, onto this process's first device whatever wrote it, and the manifest.

    Raises:
        InputError: if the checkpoint is missing or damaged, or was made for other settings than
            `model` and `diffusion`; it names what differs.
    """
    folder = folder.resolve()
    manifest = read_manifest(folder)
    _check_settings(folder, manifest, {"model": model, "diffusion": diffusion})
    graphdef, shapes = nnx.split(skeleton(model))
    arrays = _restore(folder, manifest, _named(shapes))
    state = jax.tree_util.tree_map_with_path(lambda path, _: arrays[_name(path)], shapes)
    return nnx.merge(graphdef, state), manifest


def load_weights(folder: Path) -> dict[str, np.ndarray]:
    """Return the weights by name, `down.0.block.conv_1.kernel`, whatever network they are of.

    Raises:
        InputError: if the checkpoint is missing or damaged.
    """
    folder = folder.resolve()
    manifest = read_manifest(folder)
    try:
        model = UNetConfig.model_validate(manifest["model"])
        shapes = nnx.state(skeleton(model), nnx.Param)
    except ValueError as error:
        reason = f"its {MANIFEST} names no network ({str(error).splitlines()[0]})"
        raise _damaged(folder, reason) from None
    return jax.device_get(_restore(folder, manifest, _named(shapes)))


def _restore(
    folder: Path, manifest: Mapping[str, Any], shapes: Mapping[str, Any]
) -> dict[str, jax.Array]:
    """Read the weights, after the files that hold them were compared with the manifest."""
    _check_files(folder, manifest["files"])
    device = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    target = {
        name: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=device)
        for name, leaf in shapes.items()
    }
    try:
        with ocp.StandardCheckpointer() as checkpointer:
            arrays = checkpointer.restore(folder / STATE, target)
    except Exception as error:  # orbax and tensorstore raise a dozen kinds for damaged files
        raise _damaged(folder, f"orbax cannot read it: {_reason(error)}") from None
    if digest(jax.device_get(arrays)) != manifest["digest"]:
        raise _damaged(folder, f"its weights are not those of its {MANIFEST}")
    return arrays


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what a checkpoint says of itself.

    Raises:
        InputError: if there is no checkpoint, or none that this version of sfumato wrote whole.
    """
    if not folder.is_dir():
        raise InputError(f"{folder.name}: there is no checkpoint at {folder}; run `initialise`")
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest.get("format") != FORMAT:
            raise InputError(
                f"the checkpoint {folder} is of format {manifest.get('format')}, and this version "
                f"of sfumato reads format {FORMAT}: delete it and make it again"
            )
        sections = {key: manifest[key] for key in _KEYS}
        if not all(isinstance(sections[key], dict) and sections[key] for key in _KEYS[:3]):
            raise TypeError("a group is empty, or no group")
        return sections
    except InputError:
        raise
    except FileNotFoundError:
        raise _damaged(folder, f"it has no {MANIFEST}, so it was never finished") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(folder, f"its {MANIFEST} cannot be read ({error})") from None


def _check_settings(
    folder: Path, manifest: Mapping[str, Any], wanted: Mapping[str, UNetConfig | DiffusionConfig]
) -> None:
    """Compare each setting, as JSON: the manifest has lists where settings have tuples."""
    for section, settings in wanted.items():
        for key, value in json.loads(settings.model_dump_json()).items():
            there = manifest[section].get(key)
            if there != value:
                raise InputError(
                    f"the checkpoint {folder.name} was made with {section}.{key} = {there}, and "
                    f"the config says {value}: change the config back, or make a new checkpoint"
                )


def _file_digests(state: Path) -> dict[str, str]:
    """Return the sha256 of each of orbax's files, by its place below `state`."""
    return {
        path.relative_to(state).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(state.rglob("*"))
        if path.is_file()
    }


def _check_files(folder: Path, expected: Mapping[str, str]) -> None:
    """Find damage before orbax does, which reads in threads that go on complaining."""
    found = _file_digests(folder / STATE)
    for name, sha256 in expected.items():
        if name not in found:
            raise _damaged(folder, f"the file {STATE}/{name} is missing")
        if found[name] != sha256:
            raise _damaged(folder, f"the file {STATE}/{name} is not what was written")


def _damaged(folder: Path, reason: str) -> InputError:
    return InputError(f"the checkpoint {folder} is damaged: {reason}; delete it and make it again")


def _reason(error: Exception) -> str:
    """Return the first line of an error that may be pages long."""
    return str(error).strip().split("\n")[0][:200]


def _named(state: nnx.State) -> dict[str, Any]:
    """Lay a state out flat: names like `down.0.block.conv_1.kernel`."""
    return {_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(state)}


def _name(path: tuple[Any, ...]) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".").removesuffix(".value")
