"""quality_vs_nfe.png: measured quality against network evaluations and against seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfumato.config.render import ChartLook
from sfumato.figures.base import Figure, Looks
from sfumato.figures.style import GREY, MEDIUM, SMALL

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    from sfumato.evaluation.run_names import methods

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
    from sfumato.evaluation.run_names import labels

    slowest = max(quality.rows, key=lambda row: row.nfe)
    name = labels(quality.rows)[slowest.run]
    axis.axhline(slowest.mean[score], color=GREY, linewidth=0.8, label=name)
    axis.axhline(quality.floor.mean[score], color=GREY, linestyle=":", label="real images")
