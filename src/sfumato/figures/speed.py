"""speed.png: measured seconds of the samples, and their ratios beside those of evaluations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfumato.config.render import ChartLook
from sfumato.figures.base import Figure, Looks
from sfumato.figures.style import BLUE, GREY, MEDIUM, SMALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from sfumato.records.opening import Opened
    from sfumato.sampling.timing import Speed, Timing

PANEL, NAMES, BAR, ROW_GAP, AXIS = 3.2, 2.4, 0.16, 0.1, 0.7
"""Inches: width of a panel, and of the names of the runs; height of one of two bars, of the gap
to the next two, and of what the axes need above and below."""


FIGURE = Figure(
    name="speed",
    settings=Looks[ChartLook],
    file="speed.png",
    inputs=("speed",),
    files=("speed.json",),
    arrays=((),),
    after=("compare_speed",),
    label="measured speed",
    timed=True,
)


def draw(look: ChartLook, speed: Opened) -> Drawing:
    """Draw the seconds of each entry of `samples`, and the first entry's over those of the others.

    Ratios of seconds are per sample, without compilation.
    """
    from sfumato.figures.charts import chart
    from sfumato.figures.lettering import extent, wrapped
    from sfumato.figures.titles import diffusion_words, heading, network_words
    from sfumato.sampling.timing import Speed

    measured = Speed.of(speed)
    runs = list(measured.runs.values())
    names = [wrapped(_words(run), SMALL, look.dpi, NAMES) for run in runs]
    row = max(2 * BAR, *(extent(name, SMALL, look.dpi)[1] for name in names)) + ROW_GAP
    n_panels = min(len(runs), 2)  # one entry alone has no ratio
    device = f"measured on {measured.device.get('kind', 'one device')}"
    made = runs[0].provenance
    said = heading(look, "seconds of sampling", device, network_words(made), diffusion_words(made))
    figure = chart(look, said, (NAMES + n_panels * PANEL, len(runs) * row + AXIS))
    left, *right = figure.subplots(1, n_panels, squeeze=False, sharey=True)[0]
    _draw_seconds(left, measured, look.dpi)
    left.set_yticks(range(len(names)), names, fontsize=SMALL)
    left.set_ylim(len(names) - 0.5, -0.5)  # the first at the top
    for axes in right:
        _draw_ratios(axes, measured, look.dpi)
        axes.tick_params("y", length=0)
    return figure


def _words(run: Timing) -> str:
    """Say what an entry draws, after its name, if that is not its sampler's."""
    from sfumato.figures.titles import chain_words, counted

    entry = run.provenance.settings.get("samples", {}).get(run.entry, {"sampler": run.sampler})
    words = f"{chain_words(entry, run.steps, nfe=run.nfe)}, {counted(run.n_samples, 'sample')}"
    return words if run.entry == run.sampler else f"{run.entry}: {words}"


def _draw_seconds(axes: Axes, speed: Speed, dpi: float) -> None:
    """Draw what compiling and running took, all samples of an entry together."""
    from sfumato.figures.titles import short

    runs = [run.seconds for run in speed.runs.values()]
    compiling, running = [each.compile for each in runs], [each.run for each in runs]
    axes.barh(range(len(runs)), running, 0.6, color=BLUE)
    axes.barh(range(len(runs)), compiling, 0.6, left=running, color=GREY)
    texts = [f"{short(each.run)} + {short(each.compile)} s" for each in runs]
    ends = [each.run + each.compile for each in runs]
    _label(axes, range(len(runs)), ends, texts, dpi)
    axes.set_title("sampling (blue) + compilation (grey)", fontsize=MEDIUM)
    axes.set_xlabel("seconds", fontsize=SMALL)


def _draw_ratios(axes: Axes, speed: Speed, dpi: float) -> None:
    """Draw the first entry's evaluations and seconds per sample over those of each entry."""
    from sfumato.figures.titles import short

    quantities = ((-0.2, speed.nfe_ratio, GREY), (0.2, speed.seconds_ratio, BLUE))
    for shift, ratios, color in quantities:
        places = [i + shift for i in range(len(ratios))]
        axes.barh(places, list(ratios.values()), 0.38, color=color)
        _label(axes, places, list(ratios.values()), [*map(short, ratios.values())], dpi)
    axes.set_title("fewer evaluations (grey), seconds (blue)", fontsize=MEDIUM)
    axes.set_xlabel("those of the first entry's sample, over those of each", fontsize=SMALL)


def _label(
    axes: Axes, places: Sequence[float], ends: Sequence[float], texts: list[str], dpi: float
) -> None:
    """Write a text to the right of each bar, and make room for it."""
    from sfumato.figures.lettering import widest

    taken = min(0.8, (widest(texts, SMALL, dpi) + 0.2) / (PANEL - 0.4))
    axes.set_xlim(0, max(max(ends) / (1 - taken), axes.get_xlim()[1]))
    style = {"textcoords": "offset points", "fontsize": SMALL, "va": "center"}
    for place, end, text in zip(places, ends, texts, strict=True):
        axes.annotate(text, (end, place), xytext=(3, 0), **style)
