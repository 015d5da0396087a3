"""Load the images, and split them into train and test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sfumato.config.data import LoadedConfig
from sfumato.config.fields import Section, Seed
from sfumato.networks.base_config import ImageConfig
from sfumato.records.stage import LOADING, Stage
from sfumato.workflow.data_files import loaded

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment


class Settings(Section):
    """The seed counts only for the source `noise`; no other draws random numbers.

    Where files lie counts for nothing; what is in them does, by its digest.
    """

    data: LoadedConfig
    model: ImageConfig
    seed: Seed = 0

    @classmethod
    def of(cls, experiment: Experiment) -> Self:
        """Return what the stage reads of an experiment, after a look at its files."""
        seed = experiment.seed if experiment.data.source == "noise" else 0
        return cls(data=loaded(experiment), model=experiment.model, seed=seed)


STAGE = Stage("prepare_data", Settings, packages=LOADING, stream=0)
