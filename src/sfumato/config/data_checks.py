"""Whether an experiment fits its images: how many there are, and of which classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sfumato.errors import InputError

if TYPE_CHECKING:
    from sfumato.config.data import Facts
    from sfumato.config.experiment import Experiment

_WHICH = "such as digits, or pictures in a sub-folder for each class"


def check_data(experiment: Experiment, facts: Facts) -> None:
    """Raise an InputError, a line for each mistake, if an experiment does not fit its images.

    This is checked when the images are asked for: it needs a look at the files.
    """
    if found := list(_data_mistakes(experiment, facts)):
        raise InputError("\n".join(f"{place}: {reason}" for place, reason in found))


def ignored_classes(experiment: Experiment, facts: Facts) -> str:
    """Say which classes of the network have no images to learn from; nothing if all have."""
    asked = experiment.model.num_classes
    if experiment.weights.source != "trained" or asked <= facts.classes:
        return ""
    if facts.classes:
        return f"model.num_classes: {asked} is more than the {facts.classes} classes of the data"
    noise = experiment.data.source == "noise"
    why = "noise has no classes" if noise else "the pictures are in no sub-folders, the classes"
    return f"model.num_classes: {asked} is ignored: {why}"


def judgement_mistakes(experiment: Experiment, facts: Facts | None) -> Iterator[tuple[str, str]]:
    """Yield why an evaluation cannot judge by so many images of such classes."""
    if facts is None:
        return
    evaluation, data = experiment.evaluation, experiment.data.filled(facts.count)
    n_test, n_images = data.n_test or 0, data.n_images or 0
    if evaluation.n_samples > n_test:
        reason = f"must be at most data.n_test ({n_test})"
        yield "evaluation.n_samples", f"{evaluation.n_samples} {reason}"
    if evaluation.n_samples > n_images - n_test:
        reason = f"data.n_images - data.n_test ({n_images - n_test}), the training images"
        yield "evaluation.n_samples", f"{evaluation.n_samples} must be at most {reason}"
    place = "data.folder" if data.source == "images" else "data.source"
    if facts.classes < 2:  # noqa: PLR2004
        has = "one class" if facts.classes else "no classes"
        yield place, f"these images have {has}; an evaluation needs at least two, {_WHICH}"
    elif facts.unlabelled:
        yield place, f"{facts.unlabelled} images have no class; an evaluation needs one, {_WHICH}"
    elif n_images - n_test < facts.classes:
        reason = f"leaves {n_images - n_test} training images for {facts.classes} classes"
        yield "data.n_images", f"{n_images} {reason}"


def _data_mistakes(experiment: Experiment, facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield what does not fit the images that there are."""
    found = list(experiment.data.mistakes(facts.count))
    yield from found
    if not found:
        n_test = experiment.data.filled(facts.count).n_test
        yield from experiment.forward.mistakes(experiment.diffusion.noise_steps, n_test)
    asked = experiment.model.num_classes
    if experiment.weights.are_trained and 0 < asked < facts.classes:
        reason = f"must be at least {facts.classes}, the classes of the data, or 0"
        yield "model.num_classes", f"{asked} {reason}"
