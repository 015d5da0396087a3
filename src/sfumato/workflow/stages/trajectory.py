"""Follow sample 0 of an entry from noise to image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section, Seed
from sfumato.config.model import Model
from sfumato.config.samples import ChainConfig
from sfumato.config.sampling import SamplingConfig
from sfumato.config.trajectory import SnapshotConfig
from sfumato.config.validation import one_of
from sfumato.errors import InputError
from sfumato.records.stage import COMPUTING, Stage
from sfumato.workflow.guiding import made_before, with_digests
from sfumato.workflow.weights import weights

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment
    from sfumato.config.samples import SampleConfig


class Settings(Section):
    """The network, the one entry that is followed, and how many of its states are kept."""

    seed: Seed
    model: Model
    diffusion: DiffusionConfig
    sampling: SamplingConfig
    samples: dict[str, ChainConfig]
    trajectory: SnapshotConfig

    @classmethod
    def of(cls, experiment: Experiment) -> Self:
        """Return what the stage reads of an experiment."""
        read = {name: getattr(experiment, name) for name in cls.model_fields}
        return cls.model_validate(read | {"samples": with_digests(experiment, _entry(experiment))})


def after(experiment: Experiment) -> tuple[str, ...]:
    """Return the stages before: of the weights, and of what the entry's guidance reads."""
    return (*weights(experiment), *made_before(_entry(experiment).values()))


def _entry(experiment: Experiment) -> dict[str, SampleConfig]:
    """Return the one entry that is followed."""
    of, samples = experiment.trajectory.of, experiment.samples
    if of not in samples:
        raise InputError(f"trajectory.of: {of!r} {one_of(tuple(samples))}")
    return {of: samples[of]}


STAGE = Stage("trajectory", Settings, packages=COMPUTING, after=after, stream=3)
