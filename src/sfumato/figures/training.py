"""training.png: loss, learning rate and gradient norm of a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfumato.config.render import ChartLook
from sfumato.figures.base import Figure, Looks
from sfumato.figures.style import BLUE, GREY, MEDIUM, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from sfumato.records.opening import Opened


FIGURE = Figure(
    name="training",
    settings=Looks[ChartLook],
    file="training.png",
    inputs=("history",),
    files=("history.csv",),
    arrays=(("step", "loss", "learning_rate", "gradient_norm"),),
    after=("train",),
    label="training",
)


def draw(look: ChartLook, history: Opened) -> Drawing:
    """Draw the history of a training run by step."""
    from matplotlib.figure import Figure as Drawing

    columns = history.read()
    step = columns["step"]
    figure = Drawing(figsize=(9, 2.6), layout="constrained")
    loss, rate, norm = axes = figure.subplots(1, 3)
    _draw_loss(loss, step, columns["loss"])
    rate.plot(step, columns["learning_rate"], color=BLUE, marker=_marker(step))
    norm.plot(step, columns["gradient_norm"], color=GREY, linewidth=0.4, marker=_marker(step))
    for axis, name in zip(axes, ("loss", "learning rate", "gradient norm"), strict=True):
        axis.set_title(name, fontsize=MEDIUM)
        axis.set_xlabel("step")
        if axis is not rate:
            axis.set_yscale("log")
    return figure


def _draw_loss(axis: Axes, step: np.ndarray, loss: np.ndarray) -> None:
    """Draw the loss of each step, and its moving average over a fiftieth of the run."""
    width = max(1, len(loss) // 50)
    smooth = np.convolve(loss, np.full(width, 1 / width), mode="valid")
    centre = step[: len(smooth)] + (width - 1) / 2
    axis.plot(step, loss, color=GREY, linewidth=0.4)
    axis.plot(centre, smooth, color=BLUE, marker=_marker(centre), label=f"mean of {width}")
    axis.legend(fontsize=SMALL)


def _marker(step: np.ndarray) -> str:
    """Mark a single step, through which no line can be drawn."""
    return "." if len(step) == 1 else ""
