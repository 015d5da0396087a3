"""The parts of section `evaluation` that single jobs read: how images are scored, and by what."""

from typing import Self

from pydantic import Field, model_validator

from sfumato.config.fields import Conflict, Section, Whole

FLOOR = "floor"
"""The run of an evaluation that scores real images in place of samples: what to compare with."""


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
