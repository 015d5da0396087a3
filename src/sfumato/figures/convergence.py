"""convergence.png: how far the images of few steps are from those of many, and the slopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfumato.config.render import ChartLook
from sfumato.figures.base import Figure, Looks
from sfumato.figures.style import GREY, SMALL
from sfumato.records.facts import settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from sfumato.records.opening import Opened
    from sfumato.records.provenance import Record
    from sfumato.sampling.convergence import Convergence

ORDERS = (1, 2, 3)
"""Of the lines to compare with."""
WIDTH, HEIGHT = 6.5, 4
"""Inches: of the figure without its legend."""
LABEL, LINE = 0.7, 11
"""Width of the name of an order, in inches, and height of its line, in points."""
SAID = ("steps", "n_samples", "clip", "spacing")
"""Settings that are the same for all, or vary: the legend leaves them out."""

FIGURE = Figure(
    name="convergence",
    settings=Looks[ChartLook],
    file="convergence.png",
    inputs=("convergence",),
    files=("convergence.json",),
    arrays=((),),
    after=("converge",),
    label="convergence",
)


def draw(look: ChartLook, convergence: Opened) -> Drawing:
    """Draw each sampler's distances against network evaluations, and lines of orders 1, 2 and 3."""
    from sfumato.config.wording import USUAL_ENTRY, phrases
    from sfumato.figures.charts import add_legend, chart, fitted, set_scale
    from sfumato.figures.titles import (
        counted,
        diffusion_words,
        heading,
        network_words,
    )
    from sfumato.sampling.convergence import Convergence

    measured, record = Convergence.of(convergence), convergence.record
    shared = {key: record.settings["convergence"][key] for key in ("clip", "spacing")}
    said = heading(
        look,
        f"distance from the images of {measured.reference} steps",
        f"root mean square over the pixels of {counted(measured.n_samples, 'sample')}",
        ", ".join(phrases(shared, USUAL_ENTRY)),
        "times that coincide count once" if measured.reference < _asked(record) else "",
        network_words(record),
        diffusion_words(record),
    )
    names = [fitted(name, WIDTH, look.dpi) for name in _names(measured, record.settings)]
    figure = chart(look, said, (WIDTH, HEIGHT), names)
    axes = figure.subplots()
    for each, name in zip(measured.curves, names, strict=True):
        axes.plot(each.nfe, each.distances, "o-", markersize=4, linewidth=1, label=name)
    # An order is a straight line on logarithmic axes alone.
    set_scale(axes, "x", [nfe for each in measured.curves for nfe in each.nfe], least=1)
    set_scale(axes, "y", [d for each in measured.curves for d in each.distances if d > 0], least=1)
    _draw_orders(axes, measured)
    axes.set_xlabel("network evaluations of a sample", fontsize=SMALL)
    axes.set_ylabel("distance", fontsize=SMALL)
    add_legend(figure, names)
    return figure


def _asked(record: Record) -> int:
    """Return how many steps were asked for, for the images that the others are compared with."""
    settings = settings_of(record)
    usual = settings.get("diffusion", {}).get("noise_steps", 0)
    return settings.get("convergence", {}).get("reference") or usual


def _names(convergence: Convergence, settings: Mapping[str, Any]) -> list[str]:
    """Say what is drawn with each, after its name, if that is not its sampler's; and its slope."""
    from sfumato.figures.titles import chain_words

    names = []
    for each in convergence.curves:
        entry = settings["samples"][settings["chains"][each.of][0]]
        words = chain_words({key: value for key, value in entry.items() if key not in SAID})
        words = words if each.of == entry["sampler"] else f"{each.of}: {words}"
        names.append(words if each.order is None else f"{words}: order {each.order:.1f}")
    return names


def _draw_orders(axes: Axes, convergence: Convergence) -> None:
    """Draw d = c NFE^-p from the top left corner of what was measured, down to its edge."""
    nfe = [each for curve in convergence.curves for each in curve.nfe]
    found = [each for curve in convergence.curves for each in curve.distances if each > 0]
    if not found:
        return
    first, last, top = min(nfe), max(nfe), max(found)
    bottom = 1.3 * axes.get_ylim()[0]  # leaves room for a label above the axis
    named, raised = 2.0, 0
    for order in ORDERS:
        end = min(last, first * (top / max(bottom, top * 1e-12)) ** (1 / order))
        height = top * (end / first) ** -order
        line = {"color": GREY, "linewidth": 0.8, "linestyle": ":", "zorder": 0}
        axes.plot([first, end], [top, height], **line)
        # A name that would lie on that of the order before is raised by a line.
        raised = raised + LINE if named - _place(axes, end) < LABEL / WIDTH else 0
        named = _place(axes, end)
        place = {
            "xytext": (-2, 3 + raised),
            "textcoords": "offset points",
            "ha": "right",
            "zorder": 0,
        }
        behind = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        words = f"order {order}"
        axes.annotate(words, (end, height), fontsize=SMALL, color=GREY, bbox=behind, **place)


def _place(axes: Axes, x: float) -> float:
    """Return where a value is along the horizontal axis, from 0 to 1."""
    return float(axes.transAxes.inverted().transform(axes.transData.transform((x, 1)))[0])
