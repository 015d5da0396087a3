"""speed.png: measured seconds of the samples, and their ratios beside those of the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfumato.config.render import ChartLook
from sfumato.figures.base import Figure, Looks
from sfumato.figures.style import BLUE, GREY, MEDIUM, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from sfumato.records.opening import Opened
    from sfumato.sampling.timing import Speed


INCHES_A_RUN = 0.9
"""Width of the bars of an entry, where there are many."""


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
    from matplotlib.figure import Figure as Drawing

    from sfumato.sampling.timing import Speed

    measured = Speed.of(speed)
    n_runs = len(measured.runs)
    n_panels = min(n_runs, 2)  # one entry alone has no ratio
    panel_inches = max(3.5, INCHES_A_RUN * n_runs)
    figure = Drawing(figsize=(n_panels * panel_inches, 2.8), layout="constrained")
    left, *right = figure.subplots(1, n_panels, squeeze=False)[0]
    _draw_seconds(left, measured)
    device = f"measured on {measured.device.get('kind', 'one device')}"
    if right:
        _draw_ratios(right[0], measured)
        right[0].set_title(device, fontsize=MEDIUM)
    else:
        left.set_xlabel(device)
    return figure


def _draw_seconds(axis: Axes, speed: Speed) -> None:
    """Draw what compiling and running took, all samples together."""
    runs = speed.runs.values()
    compiling, running = zip(*((run.seconds.compile, run.seconds.run) for run in runs), strict=True)
    places = range(len(runs))
    axis.bar(places, compiling, color=GREY, label="compile")
    bars = axis.bar(places, running, bottom=compiling, color=BLUE, label="run")
    axis.bar_label(bars, [f"{seconds:.1f} s" for seconds in running], fontsize=SMALL)
    labels = [f"{_name(name, speed)}\n{run.steps} steps" for name, run in speed.runs.items()]
    axis.set_xticks(places, labels)
    axis.set_ylabel("seconds")
    *most, last = (str(run.n_samples) for run in runs)
    counts = f"{', '.join(most)} and {last}" if most else last
    axis.set_title(f"{counts} samples", fontsize=MEDIUM)
    axis.margins(y=0.15)
    axis.legend(fontsize=SMALL)


def _draw_ratios(axis: Axes, speed: Speed) -> None:
    """Draw the first entry's steps and seconds per sample over those of each other entry."""
    first, *others = speed.runs
    quantities = {
        "steps": (speed.steps_ratio, GREY),
        "seconds per sample": (speed.seconds_ratio, BLUE),
    }
    alone = len(others) == 1
    width, shift = (0.8, 0.5) if alone else (0.4, 0.2)  # of a bar, and from the middle of its pair
    for side, (quantity, (ratios, color)) in zip((-1, 1), quantities.items(), strict=True):
        heights = [ratios[name] for name in others]
        places = [i + side * shift for i in range(len(others))]
        bars = axis.bar(places, heights, width, color=color, label=quantity)
        axis.bar_label(bars, [f"{ratio:.1f}" for ratio in heights], fontsize=SMALL)
    names = [_name(name, speed) for name in others]
    if alone:
        axis.set_xticks([-shift, shift], list(quantities))
    else:
        axis.set_xticks(range(len(others)), names)
        axis.legend(fontsize=SMALL)
    axis.set_ylabel(f"{_name(first, speed)} / {names[0] if alone else 'each'}")
    axis.margins(y=0.15)


def _name(entry: str, speed: Speed) -> str:
    """Write the name of an entry: of a sampler in capitals."""
    return entry.upper() if entry == speed.runs[entry].sampler else entry
