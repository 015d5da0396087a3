"""Samples cut into shards, each a job of its own, and joined again.

Sample i is the same whatever else is drawn, so the joined file is, byte for byte, what one job
writes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sfumato.errors import InputError
from sfumato.records.arrays import Arrays, Rows, blocks_of, in_memory
from sfumato.records.checks import checked
from sfumato.records.opening import Opened, open_record
from sfumato.records.provenance import Part

IMAGES, TIMES = "images", "timesteps"


def shard_count(n_samples: int, unit: int, shards: int) -> int:
    """Return how many shards there are: those asked for, at most one for each unit of samples."""
    return min(shards, -(-n_samples // unit))


def shard_range(n_samples: int, unit: int, shard: str) -> range:
    """Return which samples shard `2/8`, the second of eight, holds: whole units.

    Raises:
        InputError: if there is no such shard.
    """
    batches = -(-n_samples // unit)
    match = re.fullmatch(r"([1-9]\d{0,8})/([1-9]\d{0,8})", shard)
    number, count = (int(text) for text in match.groups()) if match else (0, 0)
    if not 1 <= number <= count <= batches:
        raise InputError(
            f"--shard: {shard!r} must be K/N, the K-th of N shards, N at most {batches} for "
            f"{n_samples} samples in units of {unit}"
        )
    start, stop = (unit * (batches * i // count) for i in (number - 1, number))
    return range(start, min(stop, n_samples))


def gather(paths: Sequence[Path]) -> tuple[Arrays, dict[str, Any]]:
    """Join the files of all shards, in any order.

    Returns:
        The arrays, their images not read yet, and the provenance of what one job would write.

    Raises:
        InputError: if the files are not all the shards of one set of samples; when the images are
            read, as `checked` does.
    """
    opened = [_open(path) for path in paths]
    parts = [_part_of(each, alone=len(opened) == 1) for each in opened]
    shards = sorted(map(_Shard, opened, parts), key=lambda shard: shard.part.start)
    first, stop = shards[0], 0
    for shard in shards:
        shard.check(first, stop)
        stop = shard.part.stop
    record = first.opened.record.model_copy(update={"part": None}).model_dump(exclude={"arrays"})
    name = record["artifact"].removesuffix(".npz")
    joined = {
        each: Rows((stop, *rows.shape[1:]), rows.dtype, _Joined(name, each, shards, record))
        if each != TIMES
        else in_memory(rows)
        for each, rows in first.opened.arrays.items()
    }
    return joined, record


@dataclass(frozen=True)
class _Shard:
    """A file, and which samples it says that it holds."""

    opened: Opened
    part: Part

    def check(self, first: "_Shard", start: int) -> None:
        """Raise an InputError unless it is one of the shards of `first`, and begins at `start`."""
        path, rows = self.opened.path, self.opened.arrays[IMAGES]
        made, expected = (
            shard.opened.record.model_copy(update={"part": None, "arrays": {}})
            for shard in (self, first)
        )
        if made != expected or _shapes(self.opened) != _shapes(first.opened):
            raise InputError(f"{path}: this shard was made in another way than {first.opened.path}")
        if self.part.stop - self.part.start != rows.shape[0]:
            raise InputError(f"{path}: this shard holds {rows.shape[0]} samples, not {self.part}")
        if self.part.start != start:
            raise InputError(
                f"{path}: this shard begins with sample {self.part.start}, not {start}"
            )


@dataclass(frozen=True)
class _Joined:
    """The blocks of an array of all shards, one shard after another; images are looked at."""

    name: str
    array: str
    shards: Sequence[_Shard]
    record: dict[str, Any]

    def __iter__(self) -> Iterator[np.ndarray]:
        arrays = (shard.opened.arrays[self.array] for shard in self.shards)
        blocks = (block for rows in arrays for block in blocks_of(rows))
        return checked(self.name, blocks, record=self.record) if self.array == IMAGES else blocks


def _open(path: Path) -> Opened:
    """Open a shard: its samples, and what an edit wrote beside them."""
    opened = open_record(path)
    return opened if {IMAGES, TIMES} <= opened.arrays.keys() else open_record(path, IMAGES, TIMES)


def _shapes(opened: Opened) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array for one sample, and of the times."""
    return {
        name: rows.shape if name == TIMES else rows.shape[1:]
        for name, rows in opened.arrays.items()
    }


def _part_of(opened: Opened, *, alone: bool) -> Part:
    """Return which samples a shard holds: all, if there is no other."""
    if opened.record.part is None and alone:
        return Part(start=0, stop=opened.arrays[IMAGES].shape[0])
    if opened.record.part is None:
        raise InputError(f"{opened.path}: this file is not a shard of samples")
    return opened.record.part
