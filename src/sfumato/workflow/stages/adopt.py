"""Adopt a trained checkpoint, after comparing it with the config."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section
from sfumato.config.model import Model
from sfumato.config.weights import WeightsConfig
from sfumato.records.stage import COMPUTING, Stage
from sfumato.workflow.places import pretrained_folder

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment


class Settings(Section):
    """The network that the checkpoint must hold."""

    model: Model
    diffusion: DiffusionConfig
    weights: WeightsConfig


def manifest(experiment: Experiment) -> list[Path]:
    """Return the file that has the digests of all others of the checkpoint."""
    return [pretrained_folder(experiment) / "manifest.json"]


STAGE = Stage("adopt", Settings, packages=COMPUTING, reads=manifest)
