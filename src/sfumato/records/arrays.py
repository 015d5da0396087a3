"""Arrays on disk: float32 in .npz files that carry their provenance, and digests of arrays.

Arrays are written and read some rows at a time, so that a file may be larger than the memory.
"""

import glob
import hashlib
import json
import math
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from sfumato.errors import InputError

PROVENANCE = "provenance"
_UNREADABLE = (
    *(OSError, ValueError, KeyError, EOFError, TypeError, NotImplementedError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error, RecursionError, OverflowError, RuntimeError, MemoryError),
)
"""What numpy, zipfile, zlib and json raise for a damaged file, each for another damage."""
_CHUNK = 2**20  # bytes written or read at once
GREY_LEVEL = 2 / 255  # of an 8-bit picture of values in [-1, 1]


@dataclass(frozen=True)
class Rows:
    """An array that is not in memory: blocks of its rows, in order."""

    shape: tuple[int, ...]
    dtype: np.dtype
    blocks: Iterable[np.ndarray]

    def read(self, most: int | None = None) -> np.ndarray:
        """Return the array, or its first `most` rows."""
        if not self.shape:
            return np.array(next(iter(self.blocks)))
        wanted = self.shape[0] if most is None else min(most, self.shape[0])
        array = np.empty((wanted, *self.shape[1:]), self.dtype)
        filled = 0
        for block in self.blocks:
            taken = block[: wanted - filled]
            array[filled : filled + len(taken)] = taken
            filled += len(taken)
            if most is not None and filled == wanted:
                break
        return array


def save_arrays(
    path: Path, arrays: Mapping[str, np.ndarray | Rows], provenance: Mapping[str, Any]
) -> None:
    """Write arrays and their provenance; equal contents give equal bytes."""
    text = np.array(json.dumps(provenance, sort_keys=True))
    write_whole(path, lambda part: _write_npz(part, {**arrays, PROVENANCE: text}))


def open_arrays(path: Path, *names: str) -> tuple[dict[str, Rows], dict[str, Any]]:
    """Return the arrays of a file of `save_arrays`, to be read later, and their provenance.

    Raises:
        InputError: if the file is missing, cut short, of another kind, or not this workflow's,
            or lacks one of `names`. Reading the rows may raise it too.
    """
    with _whole(path):
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.endswith(".npy")]
        arrays = {name.removesuffix(".npy"): _stored_rows(path, name) for name in members}
        provenance = json.loads(str(arrays.pop(PROVENANCE).read()))
        if not isinstance(provenance, dict):
            raise TypeError("its provenance is no group")
    missing = [name for name in names if name not in arrays]
    if missing:
        raise InputError(
            f"{path}: this file holds {', '.join(arrays) or 'nothing'}, but no {missing[0]}: "
            "it is of another kind"
        )
    return arrays, provenance


def load_arrays(path: Path, *names: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return what `open_arrays` does, the arrays read into memory."""
    arrays, provenance = open_arrays(path, *names)
    with _whole(path):
        return {name: rows.read() for name, rows in arrays.items()}, provenance


def digest(arrays: Mapping[str, np.ndarray | Rows]) -> str:
    """Return the sha256 of named arrays: of names, dtypes, shapes and values, not of any file."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        total.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        for block in _blocks(array):
            total.update(block.tobytes())
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


def check_images(name: str, images: np.ndarray, first: int = 0) -> None:
    """Raise an InputError if images (N, H, W, C) hold NaN or infinities, or one is blank.

    Args:
        name: of what they are.
        images: the images.
        first: the index of the first of them, where they are a part of more.
    """
    check_finite(name, images)
    pixels = images.reshape(len(images), -1)
    blank = np.flatnonzero(np.ptp(pixels, axis=1) < GREY_LEVEL) if pixels.shape[1] > 1 else []
    if len(blank):
        value = pixels[blank[0], 0]
        raise InputError(
            f"{name}: image {first + blank[0]} is blank, every value is about {value:.3g}; "
            "nothing was written. Look at the schedule (diffusion.*) and at the checkpoint's "
            "weights"
        )


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then rename it: no reader ever sees half of it.

    The file beside it is this process's own: a job that outlived its killed workflow may be at
    work on the same output. Such files that a kill left behind are removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.stem)}.*.part{path.suffix}"):
        left.unlink(missing_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        write(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())  # else a power failure could leave an empty file of this name
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _write_npz(path: Path, arrays: Mapping[str, np.ndarray | Rows]) -> None:
    """Write what numpy.savez_compressed would; the bytes do not depend on how rows are cut."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                descr = npy.dtype_to_descr(array.dtype)
                header = {"descr": descr, "fortran_order": False, "shape": array.shape}
                npy.write_array_header_1_0(member, header)  # type: ignore[arg-type]
                for chunk in _chunks(block.tobytes() for block in _blocks(array)):
                    member.write(chunk)


def _blocks(array: np.ndarray | Rows) -> Iterable[np.ndarray]:
    return array.blocks if isinstance(array, Rows) else [array]


def _chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut bytes that come in pieces of any size into pieces of one size."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        whole = len(buffer) // _CHUNK * _CHUNK
        for start in range(0, whole, _CHUNK):
            yield bytes(buffer[start : start + _CHUNK])
        del buffer[:whole]
    yield bytes(buffer)


class _Member:
    """The blocks of one array of a file; each walk over them reads the file anew."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        with zipfile.ZipFile(path) as archive, archive.open(name) as member:
            self.shape, self.dtype = _header(member)
            size = archive.getinfo(name).file_size - member.tell()
        if size != math.prod(self.shape) * self.dtype.itemsize or min(self.shape, default=0) < 0:
            raise ValueError("an array has not the length that it says")

    def __iter__(self) -> Iterator[np.ndarray]:
        row_shape = self.shape[1:]
        row = math.prod(row_shape) * self.dtype.itemsize
        left = math.prod(self.shape) * self.dtype.itemsize
        size = max(1, _CHUNK // row) * row if row else 0
        with (
            _whole(self.path),
            zipfile.ZipFile(self.path) as archive,
            archive.open(self.name) as member,
        ):
            _header(member)
            while left > 0:
                data = member.read(min(size, left))
                if not data:
                    raise EOFError("an array is cut short")
                left -= len(data)
                block = np.frombuffer(data, self.dtype)
                yield block.reshape(-1, *row_shape) if self.shape else block.reshape(())
            member.read(1)  # at the end of a member its checksum is compared


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = npy.read_magic(member)
    if version != (1, 0):
        raise ValueError(f"an array is of version {version}")
    shape, fortran_order, dtype = npy.read_array_header_1_0(member)
    if fortran_order or dtype.hasobject:
        raise ValueError("an array is laid out in another way")
    return shape, dtype


def _stored_rows(path: Path, name: str) -> Rows:
    member = _Member(path, name)
    return Rows(member.shape, member.dtype, member)


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Turn what a missing or damaged file raises into a sentence."""
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except _UNREADABLE as error:
        raise InputError(
            f"{path}: this is not a whole .npz file of this workflow ({error}); "
            "delete it and build it again"
        ) from None
