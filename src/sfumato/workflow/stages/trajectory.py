"""Follow sample 0 of an entry from noise to image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section, Seed
from sfumato.config.model import Model
from sfumato.config.narrowing import followed
from sfumato.config.samples import ChainConfig
from sfumato.config.sampling import SamplingConfig
from sfumato.config.trajectory import SnapshotConfig
from sfumato.records.stage import COMPUTING, Stage
from sfumato.workflow.reading import known, makers_of
from sfumato.workflow.weights import weights

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment


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
        """Return what the stage reads of an experiment, after a look at what its guidance reads.

        Raises:
            InputError: if that is not there, or of another network.
        """
        read = {name: getattr(experiment, name) for name in cls.model_fields}
        return cls.model_validate(read | {"samples": known(experiment)})


def after(experiment: Experiment) -> tuple[str, ...]:
    """Return the stages before: of the weights, and of what the entry's guidance reads."""
    return (*weights(experiment), *makers_of(experiment))


STAGE = Stage("trajectory", Settings, packages=COMPUTING, after=after, stream=3, view=followed)
