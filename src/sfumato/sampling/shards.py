"""Samples cut into shards, each a job of its own, and joined again.

Sample i is the same in any company, so the joined file is, byte for byte, what one job writes.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sfumato.errors import InputError
from sfumato.records.arrays import Rows, open_arrays


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
            f"--shard: {shard!r} must be K/N, the K-th of N shards, N at most {batches}, which is "
            f"how many times {unit} samples {n_samples} are, rounded up"
        )
    start, stop = (unit * (batches * i // count) for i in (number - 1, number))
    return range(start, min(stop, n_samples))


def gather(paths: Sequence[Path]) -> tuple[dict[str, np.ndarray | Rows], dict[str, Any]]:
    """Join the files of all shards, in any order.

    Returns:
        The arrays, their images not read yet, and the provenance of what one job would write.

    Raises:
        InputError: if the files are not all the shards of one array.
    """
    opened = [(path, *open_arrays(path, "images", "timesteps")) for path in paths]
    try:
        opened.sort(key=lambda shard: shard[2]["part"]["start"])
        parts = [record.pop("part") for *_, record in opened]
    except (KeyError, TypeError):
        raise InputError(f"--arrays: one of {len(paths)} files is no shard") from None
    images = [arrays["images"] for _, arrays, _ in opened]
    _, first, record = opened[0]
    for (path, _, other), part, rows in zip(opened, parts, images, strict=True):
        if other != record or rows.shape[1:] != images[0].shape[1:]:
            raise InputError(f"{path}: this shard was made in another way than {opened[0][0]}")
        if part["stop"] - part["start"] != rows.shape[0]:
            raise InputError(f"{path}: this shard holds {rows.shape[0]} samples, not {part}")
    stops = [0, *(part["stop"] for part in parts)]
    for (path, *_), part, stop in zip(opened, parts, stops, strict=False):
        if part["start"] != stop:
            raise InputError(f"{path}: this shard begins with sample {part['start']}, not {stop}")
    shape = (stops[-1], *images[0].shape[1:])
    joined = Rows(shape, images[0].dtype, _Blocks(images))
    return {"images": joined, "timesteps": first["timesteps"].read()}, record


class _Blocks:
    """The blocks of several arrays, one array after another."""

    def __init__(self, arrays: Sequence[Rows]) -> None:
        self.arrays = arrays

    def __iter__(self) -> Iterator[np.ndarray]:
        for rows in self.arrays:
            yield from rows.blocks
