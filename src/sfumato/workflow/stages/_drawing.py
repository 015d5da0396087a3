"""What the stages that draw have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section, Seed
from sfumato.config.model import Model
from sfumato.config.sampling import SamplingConfig
from sfumato.workflow.reading import known, makers_of
from sfumato.workflow.weights import weights

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment

STREAM = 3  # one for both: the trajectory ends in sample 0


class Drawing(Section):
    """The network; the one entry that is drawn follows, as `samples`."""

    seed: Seed
    model: Model
    diffusion: DiffusionConfig
    sampling: SamplingConfig

    @classmethod
    def of(cls, experiment: Experiment) -> Self:
        """Return what the stage reads of an experiment, after a look at the files of its entries.

        Raises:
            InputError: if one is not there, or is not what its entry needs.
        """
        read = {name: getattr(experiment, name) for name in cls.model_fields}
        return cls.model_validate(read | {"samples": known(experiment)})


def after(experiment: Experiment) -> tuple[str, ...]:
    """Return the stages before: of the weights, and of what guidance and edits read."""
    return (*weights(experiment), *makers_of(experiment))
