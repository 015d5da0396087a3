"""Which stages make an experiment's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment

_STAGES = {"fresh": "initialise", "trained": "train", "pretrained": "adopt", "finetuned": "train"}


def weights(experiment: Experiment) -> tuple[str, ...]:
    """Return the stage that writes the checkpoint with which samples are drawn."""
    return (_STAGES[experiment.weights.source],)
