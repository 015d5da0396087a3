"""nearest.png: the samples that are nearest to a training image, each above that image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfumato.config.narrowing import first_run
from sfumato.config.render import PanelLook
from sfumato.figures.base import Figure, Looks

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from sfumato.config.experiment import Experiment
    from sfumato.records.opening import Opened


def files(experiment: Experiment) -> tuple[str, ...]:
    """Return the files of the first run that is evaluated, with its first seed."""
    run = experiment.first_run
    return ("data.npz", f"evaluation/{run}/0.npz", f"evaluation/{run}/0.metrics.json")


FIGURE = Figure(
    name="nearest",
    settings=Looks[PanelLook],
    file="nearest.png",
    inputs=("data", "samples", "metrics"),
    files=files,
    arrays=(("train_images",), ("images",), ()),
    after=("evaluate",),
    view=first_run,
    label="nearest training images",
)


def draw(look: PanelLook, data: Opened, samples: Opened, metrics: Opened) -> Drawing:
    """Draw each pair under the distance of its pixels."""
    from sfumato.evaluation.metrics import Metrics
    from sfumato.figures.panels import image_rows
    from sfumato.figures.titles import drawn_words, heading, made_words

    scored = Metrics.of(metrics)
    drawn, train = samples.read()["images"], data.read()["train_images"]
    rows = {
        "sample": drawn[[each.sample for each in scored.nearest]],
        "nearest": train[[each.train for each in scored.nearest]],
    }
    titles = [f"{each.distance:.2f}" for each in scored.nearest]
    said = heading(
        look,
        f"of {scored.n_samples} samples those nearest to a training image, with the distance",
        drawn_words(samples.record) if scored.settings else "",
        *made_words(samples.record, drawn),
    )
    return image_rows(rows, titles, said, look)
