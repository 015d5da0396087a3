"""Train the classifier of classifier guidance, which reads noisy images."""

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section, Seed
from sfumato.config.guidance_classifier import GuidanceClassifierConfig
from sfumato.records.stage import TRAINING, Stage


class Settings(Section):
    """How noisy the images are, and how long it learns."""

    seed: Seed
    diffusion: DiffusionConfig
    guidance_classifier: GuidanceClassifierConfig


STAGE = Stage(
    "train_guidance_classifier", Settings, packages=TRAINING, after=("prepare_data",), stream=7
)
