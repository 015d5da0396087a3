"""Draw the fresh weights of a network, and write its checkpoint."""

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section, Seed
from sfumato.config.model import Model
from sfumato.records.stage import COMPUTING, Stage


class Settings(Section):
    """The network, and what it will be asked to predict."""

    seed: Seed
    model: Model
    diffusion: DiffusionConfig


STAGE = Stage("initialise", Settings, packages=COMPUTING, stream=1)
