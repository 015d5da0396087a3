"""MNIST and Fashion-MNIST in the form they are published in: four IDX files, plain or gzipped.

An IDX file is two zero bytes, one byte for the type of its values, one for the number of its
dimensions, four for the length of each, the highest first, and then the values.
"""

import gzip
import hashlib
import math
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Literal

import numpy as np

from sfumato.config.paths import shown
from sfumato.errors import InputError

PublishedSet = Literal["mnist", "fashion-mnist"]

FILES: dict[str, tuple[str, tuple[int, ...]]] = {
    "train_images": ("train-images-idx3-ubyte", (60_000, 28, 28)),
    "train_labels": ("train-labels-idx1-ubyte", (60_000,)),
    "test_images": ("t10k-images-idx3-ubyte", (10_000, 28, 28)),
    "test_labels": ("t10k-labels-idx1-ubyte", (10_000,)),
}
"""What a dataset consists of: name of the file, shape of its array."""

CONTENTS: dict[PublishedSet, dict[str, str]] = {
    "mnist": {
        "train_images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train_labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "test_images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "test_labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion-mnist": {
        "train_images": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train_labels": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "test_images": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "test_labels": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
}
"""The sha256 of the unpacked files, which is the same however they were packed."""

_CLASSES = 10
_UNSIGNED_BYTE = 8
_GZIP = b"\x1f\x8b"
_MOST = 2**28  # bytes of an array; MNIST's largest has 2**25.5


def load_idx(folder: str | Path, dataset: PublishedSet) -> dict[str, np.ndarray]:
    """Load a dataset from its four files, each with or without .gz.

    Args:
        folder: where they are, under the published names; `images.idx3` is as good as
            `images-idx3`.
        dataset: which one they must be.

    Returns:
        train_images, test_images: (60000, 28, 28) and (10000, 28, 28) uint8, 0 is black.
        train_labels, test_labels: (60000,) and (10000,) uint8, 0 .. 9.

    Raises:
        InputError: if a file is missing, is not whole, or is not that of the dataset.
    """
    folder = Path(folder)
    return {key: _load(folder, dataset, key) for key in FILES}


def missing(folder: str | Path, dataset: PublishedSet) -> list[str]:
    """Return the published names of the files that are not in a folder.

    Raises:
        InputError: if one that is there begins otherwise than it must; the rest is not read.
    """
    folder = Path(folder)
    paths = {key: _path_in(folder, name) for key, (name, _) in FILES.items()}
    for key, path in paths.items():
        if path:
            _check_start(path, dataset, key)
    return [FILES[key][0] for key, path in paths.items() if path is None]


def read_idx(path: str | Path) -> np.ndarray:
    """Return the array of an IDX file of unsigned bytes, plain or gzipped: uint8, read-only.

    Raises:
        InputError: if the file is missing, cut short, too long, damaged, or of another kind.
    """
    path = Path(path)
    with _opened(path) as file:
        shape = _shape(file)
        size = math.prod(shape)
        if size > _MOST:
            raise ValueError(f"it says that it holds {size:,} values, more than {_MOST:,}")
        values = file.read(size + 1)  # one more: behind the last byte gzip compares its checksum
        if len(values) != size:
            length = "more" if len(values) > size else f"{len(values):,}"
            raise ValueError(f"it says that it holds {size:,} values, and holds {length}")
        return np.frombuffer(values, np.uint8).reshape(shape)


def _load(folder: Path, dataset: PublishedSet, key: str) -> np.ndarray:
    name, _ = FILES[key]
    path = _path_in(folder, name)
    if path is None:
        raise InputError(
            f"data.folder: there is no {name}, with or without .gz, in {shown(folder)}; put the "
            f"four files of {dataset} there"
        )
    array = read_idx(path)
    if reason := _wrong_shape(array.shape, key):
        raise _other(path, dataset, key, reason)
    if array.ndim == 1 and array.max() >= _CLASSES:
        raise _other(path, dataset, key, f"a label in it is {array.max()}, more than 9")
    if CONTENTS[dataset].get(key) not in (None, _content(array)):
        raise _other(path, dataset, key, "its values are not the published ones")
    return array


def _check_start(path: Path, dataset: PublishedSet, key: str) -> None:
    """Raise an InputError if a file does not begin as it must."""
    with _opened(path) as file:
        shape = _shape(file)
    if reason := _wrong_shape(shape, key):
        raise _other(path, dataset, key, reason)


def _wrong_shape(found: tuple[int, ...], key: str) -> str:
    shape = FILES[key][1]
    return f"its shape is {found}, not {shape}" if found != shape else ""


def _other(path: Path, dataset: PublishedSet, key: str, reason: str) -> InputError:
    return InputError(
        f"{shown(path)}: this is not {FILES[key][0]} of {dataset} ({reason}); get it again"
    )


def _path_in(folder: Path, name: str) -> Path | None:
    """Find a file by its published name, in either spelling, packed or not."""
    for stem in (name, name.replace("-idx", ".idx")):
        for path in (folder / stem, folder / f"{stem}.gz"):
            if os.path.isfile(path):  # which is no error where the folder cannot be read
                return path
    return None


def _shape(file: BufferedIOBase) -> tuple[int, ...]:
    """Read the header up to the first value."""
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0":
        raise ValueError("it does not begin like one")
    kind, dimensions = start[2:]
    if kind != _UNSIGNED_BYTE:
        raise ValueError(f"its values are of type 0x{kind:02x}, not 0x{_UNSIGNED_BYTE:02x}")
    lengths = file.read(4 * dimensions)
    if len(lengths) < 4 * dimensions:
        raise ValueError("it ends within its header")
    return struct.unpack(f">{dimensions}I", lengths)


def _content(array: np.ndarray) -> str:
    """Return the sha256 of the unpacked file, of which `read_idx` let only one form pass."""
    header = struct.pack(f">HBB{array.ndim}I", 0, _UNSIGNED_BYTE, array.ndim, *array.shape)
    return hashlib.sha256(header + array.tobytes()).hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    """Open a file, unpack it where it is gzipped, and turn what damage raises into a sentence.

    The first bytes decide and not the name: some browsers unpack what they load, and leave .gz.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            if packed:
                with gzip.open(file) as unpacked:
                    yield unpacked
            else:
                yield file
    except FileNotFoundError:
        raise InputError(f"{shown(path)}: there is no such file") from None
    except PermissionError:
        raise InputError(
            f"{shown(path)}: this file cannot be read: change its permissions"
        ) from None
    except (OSError, EOFError, ValueError, zlib.error, MemoryError) as error:
        raise InputError(
            f"{shown(path)}: this is not a whole IDX file of unsigned bytes ({error}); get it again"
        ) from None
