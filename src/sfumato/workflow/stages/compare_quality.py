"""Put the scores of all runs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sfumato.config.evaluation import RunsConfig
from sfumato.config.fields import Section, Seed
from sfumato.config.narrowing import all_runs
from sfumato.config.samples import SampleConfig
from sfumato.config.sweep import SweepConfig
from sfumato.records.stage import Stage
from sfumato.workflow.reading import known

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment


class Settings(Section):
    """The runs as entries of `samples`, their order, and how many seeds each has."""

    seed: Seed
    samples: dict[str, SampleConfig]
    evaluation: RunsConfig

    @classmethod
    def of(cls, experiment: Experiment) -> Self:
        """Return what the stage reads of an experiment whose `samples` are the runs."""
        samples, seeds = known(experiment), experiment.evaluation.seeds
        runs = tuple(SweepConfig(of=name) for name in samples)
        return cls(
            seed=experiment.seed, samples=samples, evaluation=RunsConfig(runs=runs, seeds=seeds)
        )


STAGE = Stage("compare_quality", Settings, after=("evaluate",), view=all_runs)
