"""Put the points of a sweep side by side."""

from __future__ import annotations

from typing import Any, Self

from sfumato.config.fields import Section
from sfumato.config.narrowing import Varied, swept
from sfumato.config.samples import SampleConfig
from sfumato.records.stage import Stage
from sfumato.workflow.reading import by_content


class Settings(Section):
    """Which entry the sweep varies, over which settings, and its points in order.

    Both are lists: the text that hands settings over has no order of the keys of a mapping.
    """

    sweep: str
    varied: dict[str, SampleConfig]
    over: tuple[tuple[str, tuple[Any, ...]], ...]
    points: tuple[str, ...]
    samples: dict[str, SampleConfig]

    @classmethod
    def of(cls, experiment: Varied) -> Self:
        """Return what the stage reads of an experiment whose `samples` are the points."""
        ((name, sweep),) = experiment.sweeps.items()
        return cls(
            sweep=name,
            varied=by_content(experiment, experiment.varied),
            over=tuple((key, tuple(values)) for key, values in sweep.over.items()),
            points=tuple(experiment.samples),
            samples=by_content(experiment, experiment.samples),
        )


STAGE = Stage("compare_points", Settings, after=("sample",), view=swept)
