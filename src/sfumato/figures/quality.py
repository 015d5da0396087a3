"""quality_vs_nfe.png: measured quality against network evaluations."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    ("fd_lenet", "FD-LeNet", "lower is better"),
    ("two_sample_accuracy", "two-sample accuracy", "lower is better, 0.5 is best"),
)
"""Of each panel: the score, what it is called, and which way is better."""
MOST_NAMED = 40
"""Methods that a reader can tell apart."""
WIDTH, HEIGHT = 9, 3
"""Inches: of the figure without its legend."""


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
    """Draw FD-LeNet and how often samples are told apart, against network evaluations."""
    from sfumato.evaluation.quality import Quality
    from sfumato.evaluation.run_names import methods
    from sfumato.figures.charts import add_legend, chart, fitted, set_scale
    from sfumato.figures.titles import compared_words, runs_heading

    measured = Quality.of(quality)
    found = {fitted(name, WIDTH, look.dpi): rows for name, rows in methods(measured.rows).items()}
    title = f"quality of {compared_words(measured)}"
    said = runs_heading(look, title, measured.rows, quality.record)
    references = [fitted(name, WIDTH, look.dpi) for name in _references(measured)]
    names = [*found, *references][: MOST_NAMED + 3]
    figure = chart(look, said, (WIDTH, HEIGHT), names)
    panels = figure.subplots(1, 2)
    for axes, (score, title, better) in zip(panels, PANELS, strict=True):
        _draw_methods(axes, found, score)
        _draw_references(axes, measured, score, references)
        set_scale(axes, "x", [row.nfe for row in measured.rows])
        set_scale(axes, "y", _ends(measured, score))
        axes.set_title(title, fontsize=MEDIUM)
        axes.set_ylabel(better, fontsize=SMALL)
        axes.set_xlabel(f"network evaluations of a sample, {_seconds(measured)}", fontsize=SMALL)
    add_legend(figure, names, panels[0])
    return figure


def _draw_methods(axes: Axes, found: Mapping[str, Sequence[Row]], score: str) -> None:
    """Draw the runs of each method, joined by a line, each with its spread over the seeds."""
    from sfumato.figures.charts import marker

    more = len(found) - MOST_NAMED
    for i, (name, rows) in enumerate(found.items()):
        said = {MOST_NAMED: f"and {more} more"}.get(i, name if i < MOST_NAMED else "")
        axes.errorbar(
            [row.nfe for row in rows],
            [row.mean[score] for row in rows],
            [row.spread[score] for row in rows],
            marker=marker(i),
            markersize=4,
            capsize=2,
            linewidth=1,
            label=said,
        )


def _draw_references(axes: Axes, quality: Quality, score: str, names: Sequence[str]) -> None:
    """Draw what the slowest run reaches, and what real images do."""
    heights = (_slowest(quality).mean[score], quality.floor.mean[score])
    for name, height, style in zip(names, heights, ("-", ":"), strict=True):
        axes.axhline(height, color=GREY, linewidth=0.8, linestyle=style, label=name)


def _references(quality: Quality) -> tuple[str, str]:
    """Return the names of the slowest run and of real images."""
    from sfumato.evaluation.run_names import labels

    return labels(quality.rows)[_slowest(quality).run], "real images"


def _slowest(quality: Quality) -> Row:
    return max(quality.rows, key=lambda row: row.nfe)


def _ends(quality: Quality, score: str) -> Iterator[float]:
    """Yield the ends of all bars, and the references."""
    for row in (*quality.rows, quality.floor):
        mean, spread = row.mean[score], row.spread[score]
        yield from (mean - spread, mean + spread) if mean > spread else (mean, mean + spread)


def _seconds(quality: Quality) -> str:
    """Say how long an evaluation took, of the fastest run and of the slowest."""
    from sfumato.figures.titles import short

    each = [row.seconds_per_sample / row.nfe for row in quality.rows]
    unit, factor = ("s", 1) if max(each) >= 1 else ("ms", 1000)
    ends = dict.fromkeys(short(factor * end) for end in (min(each), max(each)))
    return f"{' to '.join(ends)} {unit} each"
