"""Section `evaluation`: how good samples are, for several samplers, step counts and seeds."""

from pydantic import Field

from sfumato.config.fields import Section, Whole
from sfumato.config.scoring import ClassifierConfig, ScoringConfig
from sfumato.config.sweep import SweepConfig

DEFAULT_RUNS = (
    SweepConfig(of="ddpm", over={"steps": [1000]}),
    SweepConfig(of="ddim", over={"steps": [10, 20, 50, 100, 250]}),
    SweepConfig(of="ddim", over={"steps": [50], "eta": [0.5, 1.0]}),
)


class RunsConfig(Section):
    """Which runs are scored, each with how many sampling seeds."""

    runs: tuple[SweepConfig, ...] = Field(default=DEFAULT_RUNS, min_length=1)
    """Entries of `samples`, each varied over some of its settings."""
    seeds: Whole = Field(default=2, ge=1, le=100)
    """Sampling seeds of a run: that of the experiment, and those that follow it."""


class EvaluationConfig(ClassifierConfig, ScoringConfig, RunsConfig):
    """The whole section: what is scored, and how."""

    micro_batch: Whole = Field(default=50, ge=1, le=65_536)
    """How many samples go through the network at once on each device."""
