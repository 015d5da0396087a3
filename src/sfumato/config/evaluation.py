"""Section `evaluation`: how good samples are, for several samplers, step counts and seeds."""

import re
from collections.abc import Mapping
from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator

from sfumato.config.fields import Conflict, Section, Whole
from sfumato.config.sampling import SamplerConfig, sampler_section
from sfumato.config.validation import show, validate
from sfumato.errors import InputError
from sfumato.samplers import SAMPLERS


class RunConfig(Section):
    """One sampler to evaluate, and what it has otherwise than its section says."""

    model_config = ConfigDict(extra="allow", frozen=True)

    sampler: str

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.sampler not in SAMPLERS:
            raise Conflict("sampler", f"must be one of {', '.join(SAMPLERS)}")
        if "n_samples" in self.changes:
            raise Conflict("n_samples", "is the same for all runs: see evaluation.n_samples")
        try:
            self.section({})
        except InputError as error:
            key, _, reason = str(error).splitlines()[0].partition(": ")
            reason = reason.removeprefix(f"{show(self.changes.get(key))} ")
            raise Conflict(
                key, re.sub(r"^unknown key .*?\)", "has an unknown key", reason)
            ) from None
        return self

    @property
    def changes(self) -> dict[str, Any]:
        """What is otherwise, by setting."""
        return dict(self.model_extra or {})

    @property
    def name(self) -> str:
        """The sampler and what is otherwise: `ddim_steps_50_eta_0.5`."""
        return "_".join([self.sampler, *(f"{k}_{v}" for k, v in self.changes.items())])

    def section(self, base: Mapping[str, Any]) -> SamplerConfig:
        """Return the sampler's section: `base`, with what is otherwise laid over it."""
        return validate(sampler_section(self.sampler), {**base, **self.changes})


DDIM_STEPS = (10, 20, 50, 100, 250)
DEFAULT_RUNS = (
    RunConfig(sampler="ddpm", steps=1000),  # type: ignore[call-arg]
    *(RunConfig(sampler="ddim", steps=steps) for steps in DDIM_STEPS),  # type: ignore[call-arg]
    *(RunConfig(sampler="ddim", steps=50, eta=eta) for eta in (0.5, 1.0)),  # type: ignore[call-arg]
)


class ClassifierConfig(Section):
    """How long the classifier learns, whose features carry the distances."""

    classifier_steps: Whole = Field(default=1500, ge=1, le=1_000_000)


class ScoringConfig(Section):
    """How images are judged."""

    n_samples: Whole = Field(default=300, ge=10, le=100_000)
    neighbours: Whole = Field(default=5, ge=1, le=1_000_000)
    two_sample_steps: Whole = Field(default=200, ge=1, le=1_000_000)

    @model_validator(mode="after")
    def _check_neighbours(self) -> Self:
        if self.neighbours >= self.n_samples:
            raise Conflict("neighbours", f"must be less than n_samples ({self.n_samples})")
        return self


class EvaluationConfig(ClassifierConfig, ScoringConfig):
    """Which runs are judged, each with how many sampling seeds, and how."""

    runs: tuple[RunConfig, ...] = Field(default=DEFAULT_RUNS, min_length=1)
    seeds: Whole = Field(default=2, ge=1, le=100)
    micro_batch: Whole = Field(default=50, ge=1, le=65_536)

    @model_validator(mode="after")
    def _check_runs(self) -> Self:
        names = [run.name for run in self.runs]
        if len(set(names)) < len(names):
            raise Conflict("runs", "must differ from one another")
        return self
