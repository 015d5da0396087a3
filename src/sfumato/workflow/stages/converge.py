"""Compare the images of few steps with those of many."""

from __future__ import annotations

from typing import Self

from sfumato.config.convergence import ConvergenceConfig
from sfumato.config.fields import Section
from sfumato.config.narrowing import Varied, converging
from sfumato.config.samples import SampleConfig
from sfumato.records.stage import Stage
from sfumato.workflow.reading import by_content


class Settings(Section):
    """What is compared: for each sampler its points in the order of steps, the reference last."""

    convergence: ConvergenceConfig
    varied: dict[str, SampleConfig]
    chains: dict[str, tuple[str, ...]]
    samples: dict[str, SampleConfig]

    @classmethod
    def of(cls, experiment: Varied) -> Self:
        """Return what the stage reads of an experiment whose `samples` are the points."""
        return cls(
            convergence=experiment.convergence,
            varied=by_content(experiment, experiment.varied),
            chains=experiment.chains,
            samples=by_content(experiment, experiment.samples),
        )


STAGE = Stage("converge", Settings, packages=("numpy",), after=("sample",), view=converging)
