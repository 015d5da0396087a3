"""training.png: loss, learning rate and gradient norm of a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sfumato.config.render import ChartLook
from sfumato.errors import InputError
from sfumato.figures.base import Figure, Looks
from sfumato.figures.style import BLUE, GREY, MEDIUM

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from sfumato.records.opening import Opened

COLUMNS = ("loss", "learning_rate", "gradient_norm")
UNTRAINED = "'training.png' needs weights.source to be trained or finetuned"


def check(experiment: Any) -> None:  # noqa: ANN401
    """Raise an InputError if the experiment trains nothing."""
    if not experiment.weights.are_trained:
        raise InputError(f"figures: {UNTRAINED}")


FIGURE = Figure(
    name="training",
    settings=Looks[ChartLook],
    file="training.png",
    inputs=("history",),
    files=("history.csv",),
    arrays=(("step", *COLUMNS),),
    after=("train",),
    check=check,
    label="training",
)


def draw(look: ChartLook, history: Opened) -> Drawing:
    """Draw the history of a training run by step."""
    from sfumato.config.wording import phrases
    from sfumato.figures.charts import chart, count_steps, set_scale
    from sfumato.figures.titles import diffusion_words, heading, network_words

    columns, training = history.read(), history.record.settings.get("training", {})
    step, diffusion = columns["step"], diffusion_words(history.record)
    unsaid = {"steps"} | ({"min_snr_gamma"} if training.get("weighting") == "uniform" else set())
    knobs = phrases({key: value for key, value in training.items() if key not in unsaid}, {})
    said = heading(look, network_words(history.record), ", ".join(knobs), diffusion)
    figure = chart(look, said, (9, 2.6))
    for axes, name in zip(figure.subplots(1, 3), COLUMNS, strict=True):
        color = BLUE if name == "learning_rate" else GREY
        axes.plot(step, columns[name], color=color, linewidth=0.5, marker=_marker(step))
        axes.set_title(name.replace("_", " "), fontsize=MEDIUM)
        if name == "loss":
            _draw_mean(axes, step, columns[name])
        set_scale(axes, "y", columns[name], log=name != "learning_rate")
        count_steps(axes, step)
        axes.set_xlabel("step")
    return figure


def _draw_mean(axes: Axes, step: np.ndarray, loss: np.ndarray) -> None:
    """Draw the moving average of the loss over a fiftieth of the run, if that is several steps."""
    width = len(loss) // 50
    if width < 2:
        return
    smooth = np.convolve(loss, np.full(width, 1 / width), mode="valid")
    centre = step[: len(smooth)] + (width - 1) / 2
    axes.plot(centre, smooth, color=BLUE)
    axes.set_title(f"loss, blue its mean over {width} steps", fontsize=MEDIUM)


def _marker(step: np.ndarray) -> str:
    """Mark steps that are few; through one no line can be drawn."""
    return "." if len(step) <= 30 else ""
