"""Checkpoints: weights written by orbax, and a manifest that says what they are.

checkpoint/
    state/          the arrays, orbax's own format
    manifest.json   settings of network and diffusion, digests of arrays and files, provenance

The manifest is written last: a checkpoint without one was never finished. Weights that were stored
again, under other names or rounded, keep as `stored_before` the digest by which older records name
them.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from time import sleep
from typing import Any, Concatenate, ParamSpec, TypeVar

import jax
import numpy as np
import orbax.checkpoint as ocp
from flax import nnx

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.paths import shown
from sfumato.config.validation import validate
from sfumato.errors import InputError
from sfumato.networks import config_class
from sfumato.networks.base import Network
from sfumato.networks.base_config import NetworkConfig
from sfumato.networks.initialisation import skeleton
from sfumato.networks.naming import from_named, named
from sfumato.records.alias import plain
from sfumato.records.arrays import digest
from sfumato.records.damage import first_line, unreadable
from sfumato.records.manifest import FORMAT, MANIFEST, STATE, damaged, read_manifest
from sfumato.records.matching import differences
from sfumato.records.outputs import file_aside, folder_aside, real
from sfumato.records.quiet import quiet_orbax
from sfumato.records.replacing import check_checkpoint_room

P = ParamSpec("P")
T = TypeVar("T")
_TRIES, _MOMENT = 5, 0.02


def save_checkpoint(
    folder: str | Path,
    network: Network,
    diffusion: DiffusionConfig,
    provenance: Mapping[str, Any],
    **more: str,
) -> None:
    """Write a checkpoint; when this returns, it is whole on disk and was read back.

    An earlier one stays until then, and also if anything fails.

    Args:
        folder: where.
        network: with the weights, which are written in float32.
        diffusion: the forward process, and what the network predicts.
        provenance: what made the weights.
        more: what else the manifest says of them, such as `stored_before`.

    Raises:
        InputError: if it cannot be written, or if the folder holds anything but a checkpoint.
    """
    folder = Path(folder)
    folder = real(folder)
    check_checkpoint_room(folder)
    arrays = stored(network)
    with folder_aside(folder) as part:
        try:
            with quiet_orbax(), plain(part) as place, ocp.StandardCheckpointer() as checkpointer:
                checkpointer.save(place / STATE, arrays)
                checkpointer.wait_until_finished()
        except Exception as error:  # of a dozen kinds, from orbax and tensorstore
            raise _cannot_be_written(folder, first_line(error)) from None
        manifest = {
            "format": FORMAT,
            "model": network.config.model_dump(),
            "diffusion": diffusion.model_dump(),
            "parameters": sum(array.size for array in arrays.values()),
            "digest": digest(jax.device_get(arrays)),
            "files": _file_digests(part / STATE),
            "provenance": provenance,
            **more,
        }
        text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
        with file_aside(part / MANIFEST) as file:
            file.write_text(text, encoding="utf-8")
        _read_back(folder, part, arrays)


def stored(network: Network) -> dict[str, jax.Array]:
    """Return the weights as a checkpoint holds them: by name, in float32."""
    weights = named(nnx.state(network, nnx.Param))
    return {name: array.astype("float32") for name, array in weights.items()}


def _read_back(folder: Path, part: Path, arrays: Mapping[str, Any]) -> None:
    """Raise an InputError if what was written of a checkpoint is not what should be in it."""
    try:
        _restore(part, read_manifest(part), arrays)
    except InputError:
        reason = "what is read back is not what was written"
        raise _cannot_be_written(folder, reason) from None


def _cannot_be_written(folder: Path, reason: str) -> InputError:
    return InputError(f"the checkpoint {shown(folder)} cannot be written: {reason}")


def _again_if_replaced(
    load: Callable[Concatenate[str | Path, P], T],
) -> Callable[Concatenate[str | Path, P], T]:
    """Let a function that reads a folder begin again if another process replaced it meanwhile."""

    @wraps(load)
    def loading(folder: str | Path, *arguments: P.args, **named: P.kwargs) -> T:
        for _ in range(_TRIES):
            before = _identity(Path(folder))
            try:
                return load(folder, *arguments, **named)
            except InputError:
                sleep(_MOMENT)  # for a folder that is gone between two renames
                if _identity(Path(folder)) == before:
                    raise
        return load(folder, *arguments, **named)

    return loading


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells a folder from one that takes its place; None if there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_ino, status.st_ctime_ns


@_again_if_replaced
def load_checkpoint(
    folder: str | Path, model: NetworkConfig, diffusion: DiffusionConfig
) -> tuple[Network, dict[str, Any]]:
    """Restore the network, onto the default device whatever wrote it, and the manifest.

    The weights are committed to no device: jax computes where the images are.

    Raises:
        InputError: if the checkpoint is missing or damaged, or was made with settings other than
            `model` and `diffusion`; it names what differs.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if found := differences(manifest, model, diffusion):
        raise InputError(
            f"the checkpoint {shown(folder.name)} was made with {'; '.join(found)}: set the same, "
            "or make a new checkpoint"
        )
    graphdef, shapes = nnx.split(skeleton(model))
    arrays = jax.device_put(_restore(folder, manifest, named(shapes)))
    return nnx.merge(graphdef, from_named(shapes, arrays)), manifest


@_again_if_replaced
def load_whole(folder: str | Path) -> tuple[Network, DiffusionConfig, dict[str, Any]]:
    """Restore what a checkpoint holds, with the settings that it was made with.

    Returns:
        The network, the forward process, and the manifest.

    Raises:
        InputError: if the checkpoint is missing or damaged.
    """
    manifest = read_manifest(folder)
    schema = config_class(manifest["model"].get("architecture", "unet"))
    model = validate(schema, manifest["model"], "model")
    diffusion = validate(DiffusionConfig, manifest["diffusion"], "diffusion")
    return load_checkpoint(folder, model, diffusion)[0], diffusion, manifest


@_again_if_replaced
def load_weights(folder: str | Path) -> dict[str, np.ndarray]:
    """Return the weights by name, `down.0.0.conv_1.kernel`, whatever network they are of.

    Raises:
        InputError: if the checkpoint is missing or damaged.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    try:
        model = config_class(manifest["model"]["architecture"]).model_validate(manifest["model"])
        shapes = nnx.state(skeleton(model), nnx.Param)
    except (KeyError, ValueError) as error:
        reason = f"its {MANIFEST} names no network ({str(error).splitlines()[0]})"
        raise damaged(folder, reason) from None
    return _restore(folder, manifest, named(shapes))


def _restore(
    folder: Path, manifest: Mapping[str, Any], shapes: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Read the weights, after the files that hold them were compared with the manifest."""
    _check_files(folder, manifest["files"])
    device = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    target = {
        name: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=device)
        for name, leaf in shapes.items()
    }
    try:
        with plain(real(folder)) as place, ocp.StandardCheckpointer() as checkpointer:
            arrays = jax.device_get(checkpointer.restore(place / STATE, target))
    except Exception as error:  # of a dozen kinds, from orbax and tensorstore
        raise damaged(folder, f"orbax cannot read it: {first_line(error)}") from None
    if digest(arrays) != manifest["digest"]:
        raise damaged(folder, f"its weights are not those of its {MANIFEST}")
    return arrays


def _file_digests(state: Path) -> dict[str, str]:
    """Return the sha256 of each of orbax's files, by its place below `state`."""
    return {
        path.relative_to(state).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(state.rglob("*"))
        if path.is_file()
    }


def _check_files(folder: Path, expected: Mapping[str, str]) -> None:
    """Find damage before orbax does, which reads in threads that go on complaining."""
    for name, sha256 in expected.items():
        path = folder / STATE / name
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except FileNotFoundError:
            raise damaged(folder, f"the file {STATE}/{name} is missing") from None
        except OSError as error:
            raise unreadable(path, error.strerror or str(error)) from None
        if found != sha256:
            raise damaged(folder, f"the file {STATE}/{name} is not what was written")
