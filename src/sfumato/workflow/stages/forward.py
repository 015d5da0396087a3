"""Noise one test image, with one draw of noise, to several times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section, Seed
from sfumato.config.forward import ForwardConfig
from sfumato.records.stage import COMPUTING, Stage
from sfumato.workflow.data_files import facts_of

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment


class Settings(Section):
    """The forward process, and what is shown of it."""

    seed: Seed
    diffusion: DiffusionConfig
    forward: ForwardConfig

    @classmethod
    def of(cls, experiment: Experiment) -> Self:
        """Return what the stage reads of an experiment, after a look at its pictures."""
        forward, data = experiment.forward, experiment.data
        if forward.index is None:
            forward = forward.filled(data.filled(facts_of(data).count).n_test)
        return cls(seed=experiment.seed, diffusion=experiment.diffusion, forward=forward)


STAGE = Stage("forward", Settings, packages=COMPUTING, after=("prepare_data",), stream=2)
