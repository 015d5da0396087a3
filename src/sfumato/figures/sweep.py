"""sweep_{sweep}.png: what a sweep draws, a row for each point, or a grid of one sample."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sfumato.config.narrowing import swept
from sfumato.config.render import RowLook
from sfumato.config.wording import exact, phrase
from sfumato.figures.base import Figure, Looks, Several

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from sfumato.config.experiment import Experiment
    from sfumato.records.opening import Opened
    from sfumato.sampling.points import Point

GRID = 2
"""So many settings that vary make a grid."""
SHORTEST = 0.1
"""Seconds; what is shorter is said in milliseconds."""


def files(experiment: Experiment) -> tuple[str, ...]:
    """Return the samples of an experiment whose entries are the points."""
    return tuple(f"{name}_samples.npz" for name in experiment.samples)


FIGURE = Figure(
    name="sweep",
    settings=Looks[RowLook],
    file="sweep_{sweep}.png",
    inputs=("table",),
    files=("sweep_{sweep}.csv",),
    arrays=((),),
    several=Several(files, arrays=("images",)),
    after=("compare_points",),
    view=swept,
    label="sweep {sweep}",
    timed=True,
)


def draw(look: RowLook, table: Opened, *samples: Opened) -> Drawing:
    """Draw samples 0, 1, ... of each point, or sample 0 for each pair of values of two settings."""
    from sfumato.figures.classes import class_names
    from sfumato.figures.panels import image_rows
    from sfumato.figures.titles import common_words, heading, made_words
    from sfumato.sampling.points import rows

    points, made = rows(table), samples[0].record
    entries = dict(_entry(each) for each in samples)
    drawn = [each.read(look.columns)["images"] for each in samples]
    images = dict(zip(entries, drawn, strict=True))
    keys = list(next(iter(points.values())).varied)
    is_grid = len(keys) == GRID
    shown = (_grid if is_grid else _rows)(points, images)
    devices = dict.fromkeys(point.device for point in points.values())
    said = heading(
        look,
        f"sweep over {' and '.join(keys)}" if keys else "sweep over nothing",
        common_words(list(entries.values()), class_names(made)),
        "sample 0" if is_grid else "",
        *made_words(made, drawn[0]),
        f"network evaluations (NFE) and seconds of a sample, measured on {' and '.join(devices)}",
    )
    return image_rows(shown.rows, shown.titles, said, look, remarks=shown.remarks)


class _Shown(NamedTuple):
    """The rows of images by name, the titles of the columns, and the ends of the rows."""

    rows: dict[str, np.ndarray]
    titles: list[str]
    remarks: list[str]


def _rows(points: Mapping[str, Point], images: Mapping[str, np.ndarray]) -> _Shown:
    """Return a row for each point."""
    n = min(len(each) for each in images.values())
    rows = {
        ", ".join(label(*item) for item in point.varied.items()): images[name][:n]
        for name, point in points.items()
    }
    return _Shown(rows, [str(i) for i in range(n)], [_measured(p) for p in points.values()])


def _grid(points: Mapping[str, Point], images: Mapping[str, np.ndarray]) -> _Shown:
    """Return a row for each value of the first setting, a column for each of the second."""
    lines: dict[str, dict[str, str]] = {}
    for name, point in points.items():
        row, column = (label(*item) for item in point.varied.items())
        lines.setdefault(row, {})[column] = name
    return _Shown(
        {row: np.stack([images[name][0] for name in line.values()]) for row, line in lines.items()},
        list(next(iter(lines.values()))),
        [_measured(*(points[name] for name in line.values())) for line in lines.values()],
    )


def label(key: str, value: object) -> str:
    """Write a setting and its value: `steps = 5`, `guidance.scale = 2`, `clip = false`."""
    if isinstance(value, Mapping):
        return phrase(key, value)
    return f"{key} = {exact(value) if isinstance(value, float) else _plain(value)}"


def _plain(value: object) -> str:
    """Write a value as the config has it, text without quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def _measured(*points: Point) -> str:
    """Write what a row took: `50 NFE` and `0.14 s`, or from how much to how much; and its error."""
    from sfumato.figures.titles import short

    nfe, seconds = [each.nfe for each in points], [each.seconds for each in points]
    unit, factor = ("s", 1) if max(seconds) >= SHORTEST else ("ms", 1000)
    ends = ((str(f(nfe)), short(factor * f(seconds))) for f in (min, max))
    work, time = (" to ".join(dict.fromkeys(each)) for each in zip(*ends, strict=True))
    errors = [f"\nMSE {each.mse:.2g}" for each in points if each.mse is not None]
    return f"{work} NFE\n{time} {unit}" + (errors[0] if len(points) == 1 and errors else "")


def _entry(samples: Opened) -> tuple[str, dict[str, Any]]:
    """Return the name and the settings of what was drawn."""
    (entry,) = samples.record.settings["samples"].items()
    return entry
