"""Charts under a heading, and axes whose few numbers are all readable. Lengths are in inches."""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from sfumato.config.render import ChartLook
from sfumato.figures.lettering import MARGIN, set_heading, widest, wrapped, write
from sfumato.figures.style import SMALL
from sfumato.figures.titles import Heading

MOST_TICKS = 7
NAME, HANDLE = 0.18, 0.7
"""Height of a name in a legend, and width of its marker."""
N_COLORS, MARKERS = 10, "os^Dv"
"""Colours in Matplotlib's cycle; each time it begins again, another marker is taken."""
_PAD = 0.05  # between panels


def chart(
    look: ChartLook, heading: Heading, size: tuple[float, float], names: Sequence[str] = ()
) -> Figure:
    """Return an empty figure under a heading, with room for a legend of these names.

    The height is that of the rest.
    """
    width, height = size
    height += NAME * legend_shape(names, width, look.dpi)[1] if names else 0
    blocks, top = set_heading(heading, look.dpi, width)
    total = height + top
    layout = ConstrainedLayoutEngine(w_pad=_PAD, h_pad=_PAD, rect=(0, 0, 1, height / total))
    figure = Figure((width, total), dpi=look.dpi, layout=layout)
    write(figure, blocks)
    return figure


def add_legend(figure: Figure, names: Sequence[str], panel: Axes | None = None) -> None:
    """Name at the bottom what is drawn: in one panel for all of them, or in every one."""
    columns, _ = legend_shape(names, figure.get_size_inches()[0], figure.dpi)
    shown = panel.get_legend_handles_labels() if panel else ()
    figure.legend(*shown, fontsize=SMALL, loc="outside lower center", ncols=columns)


def legend_shape(names: Sequence[str], width: float, dpi: float) -> tuple[int, int]:
    """Return how many columns and lines names, which `fitted` returns, take in a legend."""
    columns = max(1, int(width / (widest(names, SMALL, dpi) + HANDLE)))
    columns = min(columns, len(names))
    deepest = max(name.count("\n") + 1 for name in names)
    return columns, -(-len(names) // columns) * deepest


def fitted(name: str, width: float, dpi: float) -> str:
    """Break a name that would be wider than a legend, which is as wide as its figure."""
    return wrapped(name, SMALL, dpi, width - HANDLE - 2 * MARGIN)


def marker(i: int) -> str:
    """Return the marker of the i-th line: another one each time the colours begin again."""
    return MARKERS[i // N_COLORS % len(MARKERS)]


def set_scale(
    axes: Axes, name: str, values: Iterable[float], *, log: bool = True, least: float = 3
) -> None:
    """Fit axis `x` or `y` to the values on it, with plain numbers.

    Args:
        axes: which.
        name: `x` or `y`.
        values: those on the axis; others than numbers are left out.
        log: whether the axis may be logarithmic.
        least: by which factor the values must differ for that.
    """
    found = np.array([value for value in values if np.isfinite(value)])
    low, high = (found.min(), found.max()) if len(found) else (0.0, 1.0)
    axis: Axis = getattr(axes, f"{name}axis")
    if log and low > 0 and high / low > least:
        axes.set(**{f"{name}scale": "log", f"{name}lim": _around(low, high)})
        axis.set_major_locator(FixedLocator(log_ticks(*_around(low, high))))
    else:
        margin = (high - low) / 10 or abs(high) / 10 or 1.0
        axes.set(**{f"{name}lim": (low - margin, high + margin)})
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick_label(value)))


def log_ticks(low: float, high: float) -> list[float]:
    """Return at most MOST_TICKS round numbers between two positive ones."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for digits, most in (((1, 2, 3, 5, 7), 4), ((1, 2, 5), MOST_TICKS), ((1,), MOST_TICKS)):
        ticks = [digit * 10.0**power for power in powers for digit in digits]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= most:
            return ticks
    return ticks[:: -(-len(ticks) // MOST_TICKS)]


def tick_label(value: float) -> str:
    """Write a tick: `0.5`, `20`, `1e-05`."""
    return f"{value:.6g}"


def count_steps(axes: Axes, steps: np.ndarray) -> None:
    """Fit the horizontal axis to steps, which are whole."""
    margin = max(0.5, (steps[-1] - steps[0]) / 50)
    axes.set_xlim(steps[0] - margin, steps[-1] + margin)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _around(low: float, high: float) -> tuple[float, float]:
    """Leave a tenth of a logarithmic axis at each end."""
    margin = (high / low) ** 0.1
    return low / margin, high * margin
