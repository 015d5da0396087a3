"""guidance.png: measured quality against the scale w of guidance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfumato.config.render import ChartLook
from sfumato.errors import InputError
from sfumato.figures.base import Figure, Looks
from sfumato.figures.style import GREY, MEDIUM, SMALL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from sfumato.evaluation.quality import Row
    from sfumato.records.opening import Opened

PANELS = (
    ("class_accuracy", "class accuracy", "higher is better"),
    ("fd_lenet", "FD-LeNet", "lower is better"),
    ("precision", "precision", "higher is better"),
    ("recall", "recall", "higher is better"),
)
"""Of each panel: the score, what it is called, and which way is better."""
WIDTH, HEIGHT = 11, 2.6
"""Inches: of the figure without its legend."""


UNGUIDED = (
    "evaluation.runs: none is guided; vary guidance.scale, as in "
    "{of: ddim, over: {guidance.scale: [1, 2, 4]}}"
)


def check(experiment: Any) -> None:  # noqa: ANN401
    """Raise an InputError if no run of an experiment is guided."""
    if not any(hasattr(run.guidance, "scale") for run in experiment.runs.values()):
        raise InputError(UNGUIDED)


FIGURE = Figure(
    name="guidance",
    settings=Looks[ChartLook],
    file="guidance.png",
    inputs=("quality",),
    files=("quality.json",),
    arrays=((),),
    after=("compare_quality",),
    check=check,
    label="quality against guidance",
    timed=True,
)


def draw(look: ChartLook, quality: Opened) -> Drawing:
    """Draw each score against w, a line for the runs that differ in w alone."""
    from sfumato.evaluation.quality import Quality
    from sfumato.evaluation.run_names import by_scale
    from sfumato.figures.charts import add_legend, chart, fitted, set_scale
    from sfumato.figures.titles import compared_words, runs_heading

    measured = Quality.of(quality)
    found = {fitted(name, WIDTH, look.dpi): runs for name, runs in by_scale(measured.rows).items()}
    if not found:
        raise InputError(f"{quality.path}: {UNGUIDED}")
    title = f"guidance, {compared_words(measured)}"
    guided = [run for runs in found.values() for _, run in runs]
    said = runs_heading(look, title, guided, quality.record)
    names = [*found, "real images"]
    figure = chart(look, said, (WIDTH, HEIGHT), names)
    floor = {**measured.floor.mean, "class_accuracy": measured.classifier_accuracy}
    scales = [w for runs in found.values() for w, _ in runs]
    for axes, (score, title, better) in zip(figure.subplots(1, 4), PANELS, strict=True):
        set_scale(axes, "y", list(_draw_score(axes, found, score, floor.get(score))), log=False)
        set_scale(axes, "x", scales, log=False)
        axes.set_title(title, fontsize=MEDIUM)
        axes.set_ylabel(better, fontsize=SMALL)
        axes.set_xlabel("guidance scale $w$", fontsize=SMALL)
    add_legend(figure, names, figure.axes[0])
    return figure


def _draw_score(
    axes: Axes, found: Mapping[str, Sequence[tuple[float, Row]]], score: str, floor: float | None
) -> Iterator[float]:
    """Draw a score of each method, with its spread over the seeds; walk the ends of what it shows.

    Args:
        axes: where.
        found: the runs of each method, each with its w.
        score: which score; a run without it is left out.
        floor: what real images reach, if that is known.
    """
    from sfumato.figures.charts import marker

    for i, (name, runs) in enumerate(found.items()):
        points = [(w, r.mean[score], r.spread[score]) for w, r in runs if score in r.mean]
        scales, means, spreads = zip(*points, strict=True) if points else ((), (), ())
        style = {"marker": marker(i), "markersize": 4, "capsize": 2, "linewidth": 1}
        axes.errorbar(scales, means, spreads, label=name, **style)
        yield from (mean + sign * spread for _, mean, spread in points for sign in (-1, 1))
    if floor is not None:
        axes.axhline(floor, color=GREY, linewidth=0.8, linestyle=":", label="real images")
        yield floor
