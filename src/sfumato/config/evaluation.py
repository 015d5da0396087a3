"""Section `evaluation`: how good samples are, for several samplers, step counts and seeds."""

from typing import Self

from pydantic import Field, model_validator

from sfumato.config.fields import Conflict, Section, Whole
from sfumato.config.sweep import SweepConfig

DEFAULT_RUNS = (
    SweepConfig(of="ddpm", over={"steps": [1000]}),
    SweepConfig(of="ddim", over={"steps": [10, 20, 50, 100, 250]}),
    SweepConfig(of="ddim", over={"steps": [50], "eta": [0.5, 1.0]}),
)


class ClassifierConfig(Section):
    """How long the classifier is trained whose features carry the distances."""

    classifier_steps: Whole = Field(default=1500, ge=1, le=1_000_000)
    """Updates of the classifier's weights."""


class ScoringConfig(Section):
    """How images are scored."""

    n_samples: Whole = Field(default=300, ge=10, le=100_000)
    """Samples of a run, compared with as many held-out images."""
    neighbours: Whole = Field(default=5, ge=1, le=1_000_000)
    """Neighbours of precision, recall, density and coverage."""
    two_sample_steps: Whole = Field(default=200, ge=1, le=1_000_000)
    """Updates of each classifier that learns to tell samples from real images."""

    @model_validator(mode="after")
    def _check_neighbours(self) -> Self:
        if self.neighbours >= self.n_samples:
            raise Conflict("neighbours", f"must be less than n_samples ({self.n_samples})")
        return self


class EvaluationConfig(ClassifierConfig, ScoringConfig):
    """Which runs are scored, each with how many sampling seeds, and how."""

    runs: tuple[SweepConfig, ...] = Field(default=DEFAULT_RUNS, min_length=1)
    """Entries of `samples`, each varied over some of its settings."""
    seeds: Whole = Field(default=2, ge=1, le=100)
    """Sampling seeds of a run: that of the experiment, and those that follow it."""
    micro_batch: Whole = Field(default=50, ge=1, le=65_536)
    """How many samples go through the network at once on each device."""
