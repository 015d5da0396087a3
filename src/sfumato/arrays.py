"""Arrays on disk: float32 in .npz files that carry their provenance, and digests of arrays."""

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sfumato.errors import InputError

PROVENANCE = "provenance"
_UNREADABLE = (
    *(OSError, ValueError, KeyError, EOFError, TypeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What numpy, zipfile and zlib raise for a damaged file, each for another place of the damage."""
GREY_LEVEL = 2 / 255  # of an 8-bit picture of values in [-1, 1]


def save_arrays(
    path: Path, arrays: Mapping[str, np.ndarray], provenance: Mapping[str, Any]
) -> None:
    """Write arrays and their provenance; equal contents give equal bytes."""
    text = np.array(json.dumps(provenance, sort_keys=True))
    write_whole(path, lambda part: _savez(part, {**arrays, PROVENANCE: text}))


def load_arrays(path: Path, *names: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays of a file of `save_arrays`, `names` among them, and their provenance.

    Raises:
        InputError: if the file is missing, cut short, of another kind, or not this workflow's.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = dict(file)
        provenance = json.loads(str(arrays.pop(PROVENANCE)))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except _UNREADABLE as error:
        raise InputError(
            f"{path}: this is not a whole .npz file of this workflow ({error}); "
            "delete it and build it again"
        ) from None
    missing = [name for name in names if name not in arrays]
    if missing:
        raise InputError(
            f"{path}: this file holds {', '.join(arrays)}, but no {missing[0]}: "
            "it is of another kind"
        )
    return arrays, provenance


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the sha256 of named arrays: of names, dtypes, shapes and values, not of any file."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def check_finite(name: str, array: np.ndarray) -> None:
    """Raise an InputError if an array holds NaN or infinities."""
    finite = np.isfinite(array)
    if not finite.all():
        share = 1 - finite.mean()
        raise InputError(
            f"{name}: {share:.1%} of the values are NaN or infinite; nothing was written. Look at "
            "the schedule (diffusion.*), at clip, and at the checkpoint's weights"
        )


def check_images(name: str, images: np.ndarray) -> None:
    """Raise an InputError if images (N, H, W, C) hold NaN or infinities, or one is blank."""
    check_finite(name, images)
    pixels = images.reshape(len(images), -1)
    blank = np.flatnonzero(np.ptp(pixels, axis=1) < GREY_LEVEL) if pixels.shape[1] > 1 else []
    if len(blank):
        raise InputError(
            f"{name}: image {blank[0]} is blank, every value is about {pixels[blank[0], 0]:.3g}; "
            "nothing was written. Look at the schedule (diffusion.*) and at the checkpoint's "
            "weights"
        )


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then rename it: no reader ever sees half of it.

    The file beside it is this process's own: a job that outlived its killed workflow may be at
    work on the same output.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _savez(path: Path, arrays: dict[str, Any]) -> None:
    np.savez_compressed(path, **arrays)
