"""Compare the times that the entries of `samples` took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sfumato.config.fields import Section
from sfumato.records.stage import Stage

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment


class Settings(Section):
    """Which entries are compared: the first one with each of the others."""

    entries: tuple[str, ...]

    @classmethod
    def of(cls, experiment: Experiment) -> Self:
        """Return what the stage reads of an experiment."""
        return cls(entries=tuple(experiment.samples))


STAGE = Stage("compare_speed", Settings, after=("sample",))
