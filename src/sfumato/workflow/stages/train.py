"""Train the network of a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section, Seed
from sfumato.config.model import Model
from sfumato.config.training import TrainingConfig
from sfumato.config.weights import SourceConfig
from sfumato.records.stage import TRAINING, Stage

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment


class Settings(Section):
    """The network, what it learns, and how."""

    seed: Seed
    model: Model
    diffusion: DiffusionConfig
    training: TrainingConfig
    weights: SourceConfig


def after(experiment: Experiment) -> tuple[str, ...]:
    """Return the stages that make the images, and the weights with which training begins."""
    return ("prepare_data", "adopt" if experiment.weights.begin_with_a_checkpoint else "initialise")


STAGE = Stage("train", Settings, packages=TRAINING, after=after, stream=4)
