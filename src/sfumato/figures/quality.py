"""quality_vs_nfe.png: measured quality against network evaluations and against seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfumato.config.render import ChartLook
from sfumato.figures.base import Figure, Looks
from sfumato.figures.style import GREY, MEDIUM, SMALL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from sfumato.evaluation.quality import Quality, Row
    from sfumato.records.opening import Opened

PANELS = (
    ("nfe", "fd_lenet", "network evaluations", "FD-LeNet"),
    ("seconds_per_sample", "fd_lenet", "seconds per sample", "FD-LeNet"),
    ("nfe", "two_sample_accuracy", "network evaluations", "two-sample accuracy"),
)
"""Of each panel: what is across, the score, and what each of them is called."""
VARIED = ("sampler", "steps", "n_samples", "seed")
"""Settings that make no method of their own: the sampler names it, the others are its runs."""
MOST_IN_PANEL, MOST_IN_LEGEND, LEGEND_INCHES = 8, 12, 1.6
"""Methods whose names fit into a panel, or else into a column beside the panels; its width."""
N_COLORS, MARKERS = 10, "os^Dv"
"""Colours in Matplotlib's cycle; each time it begins again, another marker is taken."""


FIGURE = Figure(
    name="quality",
    settings=Looks[ChartLook],
    file="quality_vs_nfe.png",
    inputs=("quality",),
    files=("quality.json",),
    arrays=((),),
    after=("compare_quality",),
    label="quality",
    timed=True,
)


def draw(look: ChartLook, quality: Opened) -> Drawing:
    """Draw FD-LeNet against evaluations and seconds, and how often samples are told apart."""
    from matplotlib.figure import Figure as Drawing

    from sfumato.evaluation.quality import Quality

    measured = Quality.of(quality)
    found = methods(measured.rows)
    beside = -(-len(found) // MOST_IN_LEGEND) if len(found) > MOST_IN_PANEL else 0
    figure = Drawing(figsize=(10 + LEGEND_INCHES * beside, 3.1), layout="constrained")
    axes = figure.subplots(1, 3)
    for axis, (across, score, x_label, title) in zip(axes, PANELS, strict=True):
        for i, (name, rows) in enumerate(found.items()):
            marker = MARKERS[i // N_COLORS % len(MARKERS)]
            _draw_method(axis, name, rows, across, score, marker)
        _draw_references(axis, measured, score)
        axis.set_xscale("log")
        axis.set_xlabel(x_label)
        axis.set_title(title, fontsize=MEDIUM)
        if score == "fd_lenet":
            axis.set_yscale("log")
    if beside:
        entries = axes[0].get_legend_handles_labels()
        figure.legend(*entries, fontsize=SMALL, loc="outside right upper", ncols=beside)
    else:
        axes[0].legend(fontsize=SMALL)
    return figure


def methods(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Sort runs into methods, those that differ in steps alone, each by network evaluations.

    A method is named after its sampler, and after the settings in which it differs from the first
    run of that sampler: `DDIM`, and `DDIM, eta 0.5`.
    """
    first: dict[str, dict[str, Any]] = {}
    names: dict[str, str] = {}
    for row in rows:
        sampler = row.settings["sampler"]
        knobs = dict(_leaves(row.settings))
        usual = first.setdefault(sampler, knobs)
        names[row.run] = ", ".join([sampler.upper(), *_differences(knobs, usual)])
    found: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.nfe):
        found.setdefault(names[row.run], []).append(row)
    return found


def _draw_method(
    axis: Axes, name: str, rows: Sequence[Row], across: str, score: str, marker: str
) -> None:
    """Draw the runs of a method, joined by a line, each with its spread over the seeds."""
    axis.errorbar(
        [getattr(row, across) for row in rows],
        [row.mean[score] for row in rows],
        [row.spread[score] for row in rows],
        marker=marker,
        markersize=4,
        capsize=2,
        linewidth=1,
        label=name,
    )


def _draw_references(axis: Axes, quality: Quality, score: str) -> None:
    """Draw what the slowest run reaches, and what real images do."""
    from sfumato.evaluation.tables import label

    slowest = max(quality.rows, key=lambda row: row.nfe)
    axis.axhline(slowest.mean[score], color=GREY, linewidth=0.8, label=label(slowest))
    axis.axhline(quality.floor.mean[score], color=GREY, linestyle=":", label="real images")


def _differences(knobs: Mapping[str, Any], usual: Mapping[str, Any]) -> list[str]:
    """Name the settings in which a run differs, but for those that every run of a method varies."""
    return [
        _phrase(key.rpartition(".")[2], value)
        for key, value in knobs.items()
        if key not in VARIED and (key not in usual or usual[key] != value)
    ]


def _phrase(key: str, value: object) -> str:
    """Say a setting in words: `no clip`, `eta 0.5`; a method is its own name."""
    match value:
        case False | None:
            return f"no {key}"
        case True:
            return key
        case int() | float():
            return f"{key} {value:g}"
        case _:
            return str(value) if key == "method" else f"{key} {value}"


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Walk settings within settings: `guidance.scale`, and its value."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
