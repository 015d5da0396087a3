"""Score samples against real images that were held out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfumato.config.fields import Section, Seed
from sfumato.config.narrowing import scored
from sfumato.config.scoring import ScoringConfig
from sfumato.records.stage import EVALUATING, Stage

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment


class Settings(Section):
    """How images are scored; the seed is that of the samples."""

    seed: Seed
    evaluation: ScoringConfig


def after(experiment: Experiment) -> tuple[str, ...]:
    """Return the stages before: real images, the floor, need no samples."""
    return ("train_classifier", *(["sample"] if experiment.samples else []))


STAGE = Stage("evaluate", Settings, packages=EVALUATING, after=after, view=scored, stream=6)
