"""Train the network of a checkpoint."""

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section, Seed
from sfumato.config.model import Model
from sfumato.config.training import TrainingConfig
from sfumato.config.weights import SourceConfig
from sfumato.records.stage import TRAINING, Stage


class Settings(Section):
    """The network, what it learns, and how."""

    seed: Seed
    model: Model
    diffusion: DiffusionConfig
    training: TrainingConfig
    weights: SourceConfig


STAGE = Stage("train", Settings, packages=TRAINING, after=("prepare_data", "initialise"), stream=4)
