"""Section `evaluation`: how good samples are, for several samplers, step counts and seeds."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, WrapValidator

from sfumato.config.fields import Section, Whole
from sfumato.config.scoring import ClassifierConfig, ScoringConfig
from sfumato.config.sweep import SweepConfig

DEFAULT_RUNS = (
    SweepConfig(of="ddpm", over={"steps": [1000]}),
    SweepConfig(of="ddim", over={"steps": [10, 20, 50, 100, 250]}),
    SweepConfig(of="ddim", over={"steps": [50], "eta": [0.5, 1.0]}),
)


def _run(value: object, _: Any) -> object:  # noqa: ANN401
    """Build a run; which of the two it is to be is told first, so that only that is reported."""
    if isinstance(value, str | SweepConfig):
        return value
    if not isinstance(value, Mapping):
        raise ValueError("must be the name of a sweep, or a mapping with the keys of and over")
    return SweepConfig.model_validate(value)


Run = Annotated[SweepConfig | str, WrapValidator(_run)]
"""A sweep, or the name of one in section `sweeps`."""


class RunsConfig(Section):
    """Which runs are scored, each with how many sampling seeds."""

    runs: tuple[Run, ...] = Field(default=DEFAULT_RUNS, min_length=1)
    """Entries of `samples`, each varied over some of its settings; or names of `sweeps`."""
    seeds: Whole = Field(default=2, ge=1, le=100)
    """Sampling seeds of a run: that of the experiment, and those that follow it."""


class EvaluationConfig(ClassifierConfig, ScoringConfig, RunsConfig):
    """The whole section: what is scored, and how."""

    micro_batch: Whole = Field(default=50, ge=1, le=65_536)
    """How many samples go through the network at once on each device."""
