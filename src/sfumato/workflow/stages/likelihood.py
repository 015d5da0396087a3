"""Measure how likely the network finds images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section, Seed
from sfumato.config.likelihood import LikelihoodConfig
from sfumato.config.model import Model
from sfumato.records.stage import COMPUTING, Stage
from sfumato.workflow.weights import weights

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment


class Settings(Section):
    """The network, and which images it looks at."""

    seed: Seed
    model: Model
    diffusion: DiffusionConfig
    likelihood: LikelihoodConfig


def after(experiment: Experiment) -> tuple[str, ...]:
    """Return the stages before: of the weights, and of the images."""
    return (*weights(experiment), "prepare_data")


STAGE = Stage("likelihood", Settings, packages=(*COMPUTING, "scipy"), after=after, stream=9)
