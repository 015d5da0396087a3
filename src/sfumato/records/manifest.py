"""What a checkpoint says of itself, in its manifest.json; reading it needs no jax."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from sfumato.config.paths import shown
from sfumato.errors import InputError
from sfumato.project import PRETRAINED, PROJECT
from sfumato.records.arrays import PROVENANCE
from sfumato.records.damage import unreadable

STATE, MANIFEST = "state", "manifest.json"
FORMAT = 2  # of the folder and of the names of weights; other formats are of other versions
_MAPPINGS = ("model", "diffusion", "files")


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """Return what a checkpoint says of itself.

    Raises:
        InputError: if there is no checkpoint, or none that this version of sfumato wrote whole.
    """
    folder = Path(folder)
    try:
        os.stat(folder)
    except PermissionError as error:
        raise unreadable(folder, error.strerror or str(error)) from None
    except OSError:
        pass  # it is not there, which is said below
    if folder.is_file():
        raise InputError(f"{shown(folder)}: this is a file, and a checkpoint is a folder")
    if not folder.is_dir():
        raise InputError(f"there is no checkpoint at {shown(folder)}; {_how_to_get(folder)}")
    if (path := folder / MANIFEST).exists() and not path.is_file():
        raise _no_checkpoint(folder, f"its {MANIFEST} is no file")
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if not isinstance(manifest, dict):
            raise ValueError("it holds no mapping")
        found = manifest.get("format")
        if found == FORMAT:
            _check_keys(manifest)
    except FileNotFoundError:
        if has_weights(folder):
            raise damaged(folder, f"it has no {MANIFEST}, so it was never finished") from None
        raise _no_checkpoint(folder, f"it has no {MANIFEST}") from None
    except OSError as error:
        raise unreadable(folder / MANIFEST, error.strerror or str(error)) from None
    except (ValueError, RecursionError) as error:
        if has_weights(folder):
            raise damaged(folder, f"its {MANIFEST} cannot be read ({error})") from None
        raise _no_checkpoint(folder, f"its {MANIFEST} is not one of this workflow's") from None
    if found != FORMAT:
        if PROVENANCE not in manifest and not has_weights(folder):
            raise _no_checkpoint(folder, f"its {MANIFEST} is not one of this workflow's")
        raise InputError(
            f"the checkpoint {folder} has format {found}, and this version of sfumato reads format "
            f"{FORMAT}: delete it and make it again"
        )
    return manifest


def has_weights(folder: Path) -> bool:
    """Tell whether a folder holds what orbax writes, so that it is or was to be a checkpoint."""
    return any(folder.glob(f"{STATE}/_*METADATA")) or any(folder.glob(f"{STATE}.orbax*"))


def _no_checkpoint(folder: Path, reason: str) -> InputError:
    """Return the error for a folder that may be the user's."""
    inner = folder / "checkpoint"
    instead = f"; name {shown(inner)}" if has_weights(inner) else ""
    return InputError(f"{shown(folder)}: this folder is no checkpoint, {reason}{instead}")


def _how_to_get(folder: Path) -> str:
    """Say how to get a checkpoint that is not there."""
    if len(folder.parts) == 1 and (PROJECT / PRETRAINED / folder).is_dir():
        return f"DDPMModel.pretrained({str(folder)!r}) returns the one that comes with the library"
    command = f"snakemake --cores 1 {quote(shown(folder))}"
    return f"`{command}` builds it, if it is one of the workflow's"


def _check_keys(manifest: Mapping[str, Any]) -> None:
    for key in ("digest", "provenance"):
        if key not in manifest:
            raise ValueError(f"{key} is missing")
    if not isinstance(manifest["digest"], str):
        raise ValueError("digest is no text")
    for key in _MAPPINGS:
        if not (isinstance(manifest.get(key), dict) and manifest[key]):
            raise ValueError(f"{key} is missing, empty, or not a mapping")
    _check_settings(manifest)


def _check_settings(manifest: Mapping[str, Any]) -> None:
    """Find damage to the settings, which no digest covers: what made it has most of them too."""
    made = manifest["provenance"]
    recorded = made.get("settings") if isinstance(made, dict) else None
    for section in ("model", "diffusion"):
        there = recorded.get(section) if isinstance(recorded, dict) else None
        for key, value in there.items() if isinstance(there, dict) else ():
            if key in manifest[section] and manifest[section][key] != value:
                both = f"{manifest[section][key]} and {value}"
                raise ValueError(f"{section}.{key} is {both} in two places")


def damaged(folder: Path, reason: str) -> InputError:
    """Return the error for a checkpoint of this workflow that is not whole."""
    return InputError(f"the checkpoint {folder} is damaged: {reason}; delete it and make it again")
