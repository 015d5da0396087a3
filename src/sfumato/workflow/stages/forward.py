"""Noise one test image, with one draw of noise, to several times."""

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section, Seed
from sfumato.config.forward import ForwardConfig
from sfumato.records.stage import COMPUTING, Stage


class Settings(Section):
    """The forward process, and what is shown of it."""

    seed: Seed
    diffusion: DiffusionConfig
    forward: ForwardConfig


STAGE = Stage("forward", Settings, packages=COMPUTING, after=("prepare_data",), stream=2)
