"""sizes.png: how scores depend on how many images are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfumato.config.render import ChartLook
from sfumato.figures.base import Figure, Looks
from sfumato.figures.style import GREY, MEDIUM, SMALL

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from sfumato.records.opening import Opened

PANELS = (
    ("fd_lenet", "FD-LeNet", "lower is better"),
    ("kid", "KID", "lower is better"),
    ("precision", "precision", "higher is better"),
    ("recall", "recall", "higher is better"),
)
"""Of each panel: the score, what it is called, and which way is better."""
WIDTH, HEIGHT = 11, 2.6
"""Inches: of the figure without its legend."""
MOST = 10
"""Runs that a reader can tell apart."""

FIGURE = Figure(
    name="sizes",
    settings=Looks[ChartLook],
    file="sizes.png",
    inputs=("quality",),
    files=("quality.json",),
    arrays=((),),
    after=("compare_quality",),
    label="scores against the number of images",
    timed=True,
)


def draw(look: ChartLook, quality: Opened) -> Drawing:
    """Draw each score of the first images of a run against their number, the mean over seeds."""
    from sfumato.errors import InputError
    from sfumato.evaluation.quality import Quality
    from sfumato.evaluation.run_names import labels
    from sfumato.figures.charts import add_legend, chart, fitted, set_scale
    from sfumato.figures.titles import compared_words, runs_heading

    measured = Quality.of(quality)
    rows, names = [r for r in measured.rows if r.by_size], labels(measured.rows)
    if not (rows and measured.floor.by_size):
        raise InputError(f"{quality.path}: an earlier version scored it; delete it to score again")
    title = f"scores against the number of images, {compared_words(measured)}"
    first = f"the first {MOST} of {len(rows)} runs" if len(rows) > MOST else ""
    rows = rows[:MOST]
    said = runs_heading(look, title, rows, quality.record, first)
    shown = [(fitted(names[row.run], WIDTH, look.dpi), row) for row in rows]
    legend = [*(name for name, _ in shown), "real images"]
    figure = chart(look, said, (WIDTH, HEIGHT), legend)
    for axes, (score, title, better) in zip(figure.subplots(1, 4), PANELS, strict=True):
        for name, row in shown:
            sizes, values = row.by_size["n_samples"], row.by_size[score]
            axes.plot(sizes, values, "o-", markersize=4, linewidth=1, label=name)
        real = measured.floor.by_size
        line = {"color": GREY, "linewidth": 0.8, "linestyle": ":"}
        line |= {"marker": "_"} if len(real["n_samples"]) == 1 else {}
        axes.plot(real["n_samples"], real[score], **line, label="real images")
        every = [row.by_size for row in (*rows, measured.floor)]
        set_scale(axes, "x", [n for each in every for n in each["n_samples"]])
        set_scale(axes, "y", [value for each in every for value in each[score]], log=False)
        axes.set_title(title, fontsize=MEDIUM)
        axes.set_ylabel(better, fontsize=SMALL)
        axes.set_xlabel("images on each side", fontsize=SMALL)
    add_legend(figure, legend, figure.axes[0])
    return figure
