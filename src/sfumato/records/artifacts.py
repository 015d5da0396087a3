"""Any file that the workflow builds, read by itself: what made it, and what is in it."""

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageSequence
from pydantic import ValidationError

from sfumato.errors import InputError
from sfumato.records.arrays import PROVENANCE, Rows, digest, open_arrays
from sfumato.records.history import MARK, load_history
from sfumato.records.provenance import Record

Arrays = Mapping[str, np.ndarray | Rows]


@dataclass(frozen=True)
class Artifact:
    """A figure, an animation, a file of arrays, a measurement or a checkpoint.

    Attributes:
        path: where it lies.
        record: what made it, as it says itself.
        arrays: reads what is in it: arrays, weights, or the pixels of its frames, 0 .. 255.
    """

    path: Path
    record: Record
    arrays: Callable[[], Arrays]

    def digest(self) -> str:
        """Return the sha256 of what is in it, which is not that of the file."""
        return digest(self.arrays())


def open_artifact(path: Path) -> Artifact:
    """Read an artifact; the kind is told by its content and not by its name.

    Raises:
        InputError: if there is none, if it is damaged, or if it does not say what made it.
    """
    if path.is_dir():
        return _open_checkpoint(path)
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise InputError(f"{path}: it cannot be read: {error.strerror}") from None
    if start.startswith(b"PK"):
        arrays, made = open_arrays(path)
        return Artifact(path, _record(path, made), lambda: arrays)
    if start.startswith((b"\x89PNG", b"GIF8")):
        return _open_picture(path)
    if start.lstrip().startswith(b"{"):
        return _open_measurement(path)
    if start.startswith(MARK.encode()[:8]):
        columns, made = load_history(path)
        return Artifact(path, _record(path, made), lambda: columns)
    raise InputError(
        f"{path}: this is no .png, .gif, .npz, .csv, .json or checkpoint of this workflow, or it "
        "was changed on its way"
    )


def largest_difference(ours: Arrays, theirs: Arrays) -> float:
    """Return the largest difference at one place: NaN if one is, infinite where shapes differ."""
    if {name: rows.shape for name, rows in ours.items()} != {
        name: rows.shape for name, rows in theirs.items()
    }:
        return np.inf
    differences = [
        np.abs(in_memory(ours[name]).astype(np.float64) - in_memory(theirs[name])) for name in ours
    ]
    return float(np.max([d.max() for d in differences if d.size], initial=0))


def in_memory(array: np.ndarray | Rows) -> np.ndarray:
    """Read an array, if it is not in memory yet."""
    return array.read() if isinstance(array, Rows) else array


def _record(path: Path, made: object) -> Record:
    try:
        return Record.model_validate(made)
    except (ValidationError, RecursionError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        place = ".".join(map(str, first["loc"])) if first else "it"
        raise InputError(
            f"{path}: it does not say what made it, as files of this workflow do "
            f"({place or 'provenance'}: {first['msg'] if first else 'too deep'})"
        ) from None


def _open_checkpoint(path: Path) -> Artifact:
    from sfumato.records.checkpoint import load_weights, read_manifest

    made = read_manifest(path)["provenance"]
    return Artifact(path, _record(path, made), lambda: load_weights(path))


def _open_picture(path: Path) -> Artifact:
    """Read a figure to its end: one that was cut short is damaged, whatever its head says."""
    try:
        with warnings.catch_warnings(action="error"), Image.open(path) as image:
            frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
            text = getattr(image, "text", {}).get(PROVENANCE) or image.info.get("comment")
        made = json.loads(text) if text else None
    except Exception as error:  # Pillow raises a dozen kinds for damaged files
        raise InputError(f"{path}: this picture is damaged ({error}); build it again") from None
    return Artifact(path, _record(path, made), lambda: {"pixels": np.stack(frames)})


def _open_measurement(path: Path) -> Artifact:
    try:
        content = json.loads(path.read_bytes())
        made = content.pop(PROVENANCE, None)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: this is no whole JSON file ({error})") from None
    return Artifact(path, _record(path, made), lambda: _bytes_of(content))


def _bytes_of(content: Any) -> Arrays:  # noqa: ANN401
    text = json.dumps(content, sort_keys=True).encode()
    return {"json": np.frombuffer(hashlib.sha256(text).digest(), np.uint8)}
