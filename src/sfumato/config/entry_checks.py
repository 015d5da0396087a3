"""Whether an entry of `samples` fits the rest of an experiment: steps, classes, guidance, edit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from sfumato.config.labels import in_order, label_mistakes
from sfumato.config.samples import GUIDANCE
from sfumato.editing.base import Around

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment
    from sfumato.config.samples import ChainConfig, SampleConfig

KNOWN = "model.num_classes"


def entry_mistakes(experiment: Experiment, entry: SampleConfig) -> Iterator[tuple[str, str]]:
    """Yield what does not fit: the setting, from the entry on, and what is wrong with it."""
    most = experiment.diffusion.noise_steps
    fits = (entry.steps or 0) <= most
    if not fits:
        yield "steps", f"{entry.steps} must be at most diffusion.noise_steps ({most})"
    yield from _of_guidance(experiment, entry)
    if entry.edit and fits:
        yield from entry.edit.mistakes(_around(experiment, entry))


def _around(experiment: Experiment, entry: SampleConfig) -> Around:
    """Return what an edit must fit."""
    noise_steps = experiment.diffusion.noise_steps
    return Around(
        entry.sampler,
        entry.clip,
        np.append(entry.times(experiment.diffusion), -1),
        noise_steps,
        experiment.model.input_dim,
        entry.n_samples,
        experiment.data.n_test,
    )


def _of_guidance(experiment: Experiment, entry: ChainConfig) -> Iterator[tuple[str, str]]:
    """Yield what does not fit of classes and guidance."""
    guidance = entry.guidance
    if guidance and guidance.reads == "classifier":
        yield from _of_a_classifier(experiment, entry)
    else:
        for reason in label_mistakes(entry.labels, experiment.model.num_classes, KNOWN):
            yield "labels", reason
    if guidance is None:
        return
    for knob, reason in guidance.mistakes(experiment.diffusion.noise_steps):
        yield f"guidance.{knob}", reason
    if guidance.needs_labels and entry.labels is None:
        name = GUIDANCE.name_of(guidance)
        if experiment.model.num_classes or guidance.reads == "classifier":
            yield "labels", f"null asks for no class, and {name} guidance needs one"
        else:
            yield "guidance", f"{name} needs a network that knows classes; set {KNOWN}"


def _of_a_classifier(experiment: Experiment, entry: ChainConfig) -> Iterator[tuple[str, str]]:
    """Yield what does not fit the classes of the images, which the classifier learns.

    Those of the user's pictures are known when the classifier is trained.
    """
    facts = experiment.data.facts
    if facts is None:
        return
    if not facts.classes:
        source = experiment.data.source
        yield "guidance", f"classifier needs images with classes, and data.source is {source}"
    elif max(in_order(entry.labels), default=0) >= facts.classes:
        last = facts.classes - 1
        yield (
            "labels",
            f"{max(in_order(entry.labels))} must be at most {last}, the last class of the images",
        )
