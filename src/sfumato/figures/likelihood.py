"""likelihood.png: bits per dimension by the variational bound and the flow; the bound's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfumato.config.render import ChartLook
from sfumato.figures.base import Figure, Looks
from sfumato.figures.style import MEDIUM, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from sfumato.evaluation.bits import SetOfImages
    from sfumato.records.opening import Opened

WIDTH, HEIGHT = 9, 3
"""Inches: of the figure without its legend."""
APART = 0.12
"""From the bound of a set to its flow; sets are 1 apart."""
KINDS = (("bound", "o", "variational bound"), ("flow", "s", "probability flow"))

FIGURE = Figure(
    name="likelihood",
    settings=Looks[ChartLook],
    file="likelihood.png",
    inputs=("likelihood",),
    files=("likelihood.json",),
    arrays=((),),
    after=("likelihood",),
    label="likelihood",
)


def draw(look: ChartLook, likelihood: Opened) -> Drawing:
    """Draw the terms of the bound against t, and the bits of each set with two standard errors."""
    from sfumato.evaluation.bits import Likelihood
    from sfumato.figures.charts import add_legend, chart
    from sfumato.figures.titles import diffusion_words, heading, network_words

    measured, record = Likelihood.of(likelihood), likelihood.record
    sets = measured.sets
    sizes = [str(size) for size in sorted({each.n_images for each in sets})]
    said = heading(
        look,
        f"likelihood of {' or '.join(sizes)} images of each kind",
        network_words(record),
        diffusion_words(record),
    )
    names = [f"{each.name}, {each.n_images}" for each in sets]
    legend = [*names, *(words for *_, words in KINDS)]
    figure = chart(look, said, (WIDTH, HEIGHT), legend)
    left, right = figure.subplots(1, 2)
    _draw_terms(left, sets, names)
    _draw_bits(right, sets)
    add_legend(figure, legend)
    return figure


def _draw_terms(axes: Axes, sets: list[SetOfImages], names: list[str]) -> None:
    from sfumato.figures.charts import count_steps, set_scale

    for each, name in zip(sets, names, strict=True):
        times = np.arange(1, len(each.terms) + 1)
        axes.plot(times, each.terms, linewidth=1, label=name, marker="." if len(times) < 30 else "")
    set_scale(axes, "y", [term for each in sets for term in each.terms if term > 0])
    count_steps(axes, np.arange(1, max(2, len(sets[0].terms) + 1)))
    axes.set_title("terms of the bound", fontsize=MEDIUM)
    axes.set_xlabel("$t$", fontsize=SMALL)
    axes.set_ylabel("bits per dimension", fontsize=SMALL)


def _draw_bits(axes: Axes, sets: list[SetOfImages]) -> None:
    from sfumato.figures.charts import set_scale

    found = []
    for place, (kind, marker, words) in enumerate(KINDS):
        for i, each in enumerate(sets):
            estimate = getattr(each, kind)
            found += [estimate.mean - 2 * estimate.error, estimate.mean + 2 * estimate.error]
            where = i + (2 * place - 1) * APART
            style = {"color": f"C{i}", "marker": marker, "capsize": 3, "linestyle": ""}
            axes.errorbar(where, estimate.mean, yerr=2 * estimate.error, **style)
        axes.plot([], [], color="black", marker=marker, linestyle="", label=words)
    set_scale(axes, "y", found, log=False)
    axes.set_xticks([])  # the legend names the colours
    axes.set_xlim(-0.5, len(sets) - 0.5)
    axes.set_title("all of it, and two standard errors", fontsize=MEDIUM)
    axes.set_ylabel("bits per dimension", fontsize=SMALL)
