"""The .npz files of this workflow, read: some rows at a time, each array against its digest."""

import json
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from sfumato.records.arrays import CHUNK, PROVENANCE, Rows, sha256_of
from sfumato.records.damage import foreign, readable

_SUFFIX = ".npy"
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_npz(path: str | Path, *names: str) -> tuple[dict[str, Rows], dict[str, Any]]:
    """Return arrays of a file of `save_arrays`, to be read later, and its provenance.

    Args:
        path: the file.
        names: the arrays to open, those of them that it has; all, if none is named.

    Raises:
        InputError: if the file is missing, damaged or not this workflow's. Reading the rows may
            raise it too: after the last one, the array is compared with its digest.
    """
    path = Path(path)
    with readable(path):
        with zipfile.ZipFile(path) as archive:
            members = [name.removesuffix(_SUFFIX) for name in archive.namelist()]
        if PROVENANCE not in members:
            raise foreign(path)
        made = json.loads(str(_rows(path, PROVENANCE).read()))
        expected = made.get("arrays") if isinstance(made, dict) else None
        if not isinstance(expected, dict):
            raise foreign(path)
        if {*expected, PROVENANCE} != {*members}:
            raise ValueError("it holds other arrays than it says")
        wanted = [name for name in members if name in expected and (name in names or not names)]
        return {name: _rows(path, name, expected[name]) for name in wanted}, made


def _rows(path: Path, name: str, digest: str | None = None) -> Rows:
    member = _Member(path, name, digest)
    return Rows(member.shape, member.dtype, member)


class _Member:
    """The blocks of one array of a file; each walk over them reads the file again."""

    def __init__(self, path: Path, name: str, digest: str | None) -> None:
        self.path, self.name, self.digest = path, name + _SUFFIX, digest
        with zipfile.ZipFile(path) as archive, archive.open(self.name) as member:
            entry = archive.getinfo(self.name)
            if entry.compress_type not in _COMPRESSIONS:
                raise ValueError("an array is compressed in another way")
            self.shape, self.dtype = _header(member)
            size = entry.file_size - member.tell()
        if size != math.prod(self.shape) * self.dtype.itemsize or min(self.shape, default=0) < 0:
            raise ValueError("an array does not have the length that it says")

    def __iter__(self) -> Iterator[np.ndarray]:
        found = sha256_of(self.dtype, self.shape)
        with (
            readable(self.path),
            zipfile.ZipFile(self.path) as archive,
            archive.open(self.name) as member,
        ):
            _header(member)
            for data in self._pieces(member):
                found.update(data)
                block = np.frombuffer(data, self.dtype)
                yield block.reshape(-1, *self.shape[1:]) if self.shape else block.reshape(())
            if self.digest not in (None, found.hexdigest()):
                raise ValueError(f"{self.name.removesuffix(_SUFFIX)} is not what was written")

    def _pieces(self, member: IO[bytes]) -> Iterator[bytes]:
        """Yield the bytes of whole rows, about a CHUNK at a time."""
        row = math.prod(self.shape[1:]) * self.dtype.itemsize
        left = math.prod(self.shape) * self.dtype.itemsize
        size = max(1, CHUNK // row) * row if row else 0
        while left > 0:
            data = member.read(min(size, left))
            if not data:
                raise EOFError("an array is cut short")
            left -= len(data)
            yield data
        member.read(1)  # at the end of a member its checksum is compared


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = npy.read_magic(member)
    if version != (1, 0):
        raise ValueError(f"an array is of version {version}")
    shape, fortran_order, dtype = npy.read_array_header_1_0(member)
    if fortran_order or dtype.hasobject:
        raise ValueError("an array is laid out in another way")
    return shape, dtype
