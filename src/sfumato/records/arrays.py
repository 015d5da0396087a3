"""Arrays on disk: .npz files that carry their provenance and the digest of each array.

Arrays are written and read some rows at a time, so that a file may be larger than the memory.
`records/npz.py` reads them.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from sfumato.records.outputs import file_aside

PROVENANCE = "provenance"
CHUNK = 2**20  # bytes written or read at once


@dataclass(frozen=True)
class Rows:
    """An array that is not in memory: blocks of its rows, in order."""

    shape: tuple[int, ...]
    dtype: np.dtype
    blocks: Iterable[np.ndarray]

    def read(self, most: int | None = None) -> np.ndarray:
        """Return the array, or its first `most` rows; all blocks are read, and so checked."""
        if not self.shape:
            return np.array(*self.blocks)
        wanted = self.shape[0] if most is None else min(most, self.shape[0])
        array = np.empty((wanted, *self.shape[1:]), self.dtype)
        filled = 0
        for block in self.blocks:
            taken = block[: wanted - filled]
            array[filled : filled + len(taken)] = taken
            filled += len(taken)
        return array


Arrays = Mapping[str, np.ndarray | Rows]


def in_memory(array: np.ndarray | Rows, most: int | None = None) -> np.ndarray:
    """Return an array, or its first `most` rows, read if it is not in memory yet."""
    if isinstance(array, Rows):
        return array.read(most)
    return array[:most] if array.ndim else array


def blocks_of(array: np.ndarray | Rows) -> Iterable[np.ndarray]:
    """Return the blocks of rows of an array; one that is in memory is one block."""
    return array.blocks if isinstance(array, Rows) else [array]


def sha256_of(dtype: np.dtype, shape: tuple[int, ...]) -> "hashlib._Hash":
    """Return the sha256 of an array before its rows: update it with their bytes, however cut."""
    return hashlib.sha256(f"{dtype.str}\0{tuple(map(int, shape))}\0".encode())


def digests(arrays: Arrays) -> dict[str, str]:
    """Return the sha256 of each array, by name."""
    found = {}
    for name, array in arrays.items():
        of_array = sha256_of(array.dtype, array.shape)
        for block in blocks_of(array):
            of_array.update(block.tobytes())
        found[name] = of_array.hexdigest()
    return found


def joint_digest(of_arrays: Mapping[str, str]) -> str:
    """Return the sha256 of all arrays together, from the digests of each."""
    total = hashlib.sha256()
    for name in sorted(of_arrays):
        total.update(f"{name}\0{of_arrays[name]}\n".encode())
    return total.hexdigest()


def digest(arrays: Arrays) -> str:
    """Return the sha256 of named arrays: of names, dtypes, shapes and values, not of any file."""
    return joint_digest(digests(arrays))


def largest_difference(ours: Arrays, theirs: Arrays) -> float:
    """Return the largest difference at one place: NaN if one is, infinite where shapes differ."""
    if {name: each.shape for name, each in ours.items()} != {
        name: each.shape for name, each in theirs.items()
    }:
        return np.inf
    differences = [
        np.abs(in_memory(ours[name]).astype(np.float64) - in_memory(theirs[name])) for name in ours
    ]
    return float(np.max([each.max() for each in differences if each.size], initial=0))


def save_arrays(path: str | Path, arrays: Arrays, provenance: Mapping[str, Any]) -> None:
    """Write arrays, their provenance and, in it, their digests; equal contents give equal bytes."""
    with file_aside(Path(path)) as part:
        _write_npz(part, arrays, provenance)


def _write_npz(path: Path, arrays: Arrays, provenance: Mapping[str, Any]) -> None:
    """Write what numpy.savez_compressed would; the bytes do not depend on how rows are cut."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        written = {name: _write_array(archive, name, array) for name, array in arrays.items()}
        text = json.dumps({**provenance, "arrays": written}, sort_keys=True)
        _write_array(archive, PROVENANCE, np.array(text))


def _write_array(archive: zipfile.ZipFile, name: str, array: np.ndarray | Rows) -> str:
    """Add an array to a file, and return its digest."""
    header = {
        "descr": npy.dtype_to_descr(array.dtype),
        "fortran_order": False,
        "shape": array.shape,
    }
    of_array = sha256_of(array.dtype, array.shape)
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        npy.write_array_header_1_0(member, header)  # type: ignore[arg-type]
        for chunk in _chunks(block.tobytes() for block in blocks_of(array)):
            member.write(chunk)
            of_array.update(chunk)
    return of_array.hexdigest()


def _chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut bytes that come in pieces of any size into pieces of one size."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        whole = len(buffer) // CHUNK * CHUNK
        for start in range(0, whole, CHUNK):
            yield bytes(buffer[start : start + CHUNK])
        del buffer[:whole]
    yield bytes(buffer)
