"""told.png: the samples that were told from real images most surely, and those that fooled most."""

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
    return (f"evaluation/{run}/0.npz", f"evaluation/{run}/0.metrics.json")


FIGURE = Figure(
    name="told",
    settings=Looks[PanelLook],
    file="told.png",
    inputs=("samples", "metrics"),
    files=files,
    arrays=(("images",), ()),
    after=("evaluate",),
    view=first_run,
    label="told from real images",
)


def draw(look: PanelLook, samples: Opened, metrics: Opened) -> Drawing:
    """Draw both kinds of samples, each under the probability with which it was said to be drawn."""
    from sfumato.errors import InputError
    from sfumato.evaluation.metrics import Metrics
    from sfumato.figures.panels import image_rows
    from sfumato.figures.titles import drawn_words, heading, made_words

    scored = Metrics.of(metrics)
    if not scored.told:
        raise InputError(f"{metrics.path}: an earlier version scored it; delete it to score again")
    drawn = samples.read()["images"]
    said = heading(
        look,
        f"of {scored.n_samples} samples those that a classifier told from real images most surely, "
        "and least",
        drawn_words(samples.record),
        *made_words(samples.record, drawn),
    )
    pairs = list(zip(scored.told, scored.fooling, strict=True))
    rows = {
        "told": drawn[[told.sample for told, _ in pairs]],
        "fooling": drawn[[fooling.sample for _, fooling in pairs]],
    }
    titles = [f"{told.probability:.2f}, {fooling.probability:.2f}" for told, fooling in pairs]
    return image_rows(rows, titles, said, look)
