"""The points of a sweep side by side: the content of a `sweep_{name}.csv`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sfumato.config.nested import leaf_items
from sfumato.config.points import digest_of
from sfumato.errors import InputError
from sfumato.records.opening import Opened
from sfumato.sampling.timing import Timing

if TYPE_CHECKING:
    from sfumato.config.samples import SampleConfig

Over = Sequence[tuple[str, Sequence[Any]]]
"""The settings that are varied, in order, with their values."""


class Point(NamedTuple):
    """A row of the table.

    Attributes:
        varied: the settings that tell the point from others, with their values.
        nfe: network evaluations of a sample.
        seconds: what a sample took, without compilation.
        device: what computed.
        mse: mean squared error of what is to be an image again.
    """

    varied: dict[str, Any]
    nfe: int
    seconds: float
    device: str
    mse: float | None = None


def columns(
    over: Over,
    points: Sequence[str],
    entries: Mapping[str, SampleConfig],
    timings: Mapping[str, Timing],
    errors: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, list[Any]]:
    """Return the table, a column for each setting, what is varied first, then what was measured.

    Args:
        over: what is varied.
        points: their names, in the order of the combinations.
        entries: the settings of each.
        timings: the time that each took.
        errors: the mean squared error of those that are to be an image again.

    Raises:
        InputError: if a point was not timed, or something else was.
    """
    if {*points} != {*timings}:
        wanted, got = (", ".join(sorted(each)) or "nothing" for each in (points, timings))
        raise InputError(f"--timings: these are of {got}, and the sweep has {wanted}")
    varied = {key: [row[key] for row in _combinations(over)] for key, _ in over}
    flat = [dict(leaf_items(entries[name].model_dump(mode="json"))) for name in points]
    others = dict.fromkeys(key for row in flat for key in row if key not in varied)
    timed = [timings[name] for name in points]
    return {
        "point": list(points),
        **{key: [_text(value) for value in values] for key, values in varied.items()},
        "nfe": [each.nfe for each in timed],
        "seconds_per_sample": [each.seconds_per_sample for each in timed],
        **({"mse": [errors.get(name, "") for name in points]} if errors else {}),
        "device": [each.device.get("kind", "") for each in timed],
        "file": [f"{name}_samples.npz" for name in points],
        "digest": [digest_of(entries[name]) for name in points],
        **{key: [_text(row.get(key)) for row in flat] for key in others},
    }


def reconstruction_error(samples: Opened) -> tuple[str, float]:
    """Return the name of an entry, and the mean of (image - original)^2 over samples and pixels."""
    (name,) = samples.record.settings["samples"]
    arrays = samples.read()
    return name, float(np.square(arrays["images"] - arrays["original"], dtype=np.float64).mean())


def rows(table: Opened) -> dict[str, Point]:
    """Return the points of a table by name, in order."""
    over = table.record.settings["over"]
    varying = {key for key, values in over if len(values) > 1} or {key for key, _ in over}
    combinations = [
        {key: value for key, value in row.items() if key in varying} for row in _combinations(over)
    ]
    return {
        name: Point(
            varied,
            int(row["nfe"]),
            float(row["seconds_per_sample"]),
            row["device"],
            float(row["mse"]) if row.get("mse") else None,
        )
        for varied, (name, row) in zip(combinations, table.content.items(), strict=True)
    }


def _combinations(over: Over) -> Iterator[dict[str, Any]]:
    keys = [key for key, _ in over]
    for values in product(*(values for _, values in over)):
        yield dict(zip(keys, values, strict=True))


def _text(value: object) -> str:
    """Write a value as JSON does; text as it is, and nothing for what is not there."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, sort_keys=True)
