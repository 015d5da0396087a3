"""Train the classifier whose features carry FD-LeNet."""

from sfumato.config.fields import Section, Seed
from sfumato.config.scoring import ClassifierConfig
from sfumato.records.stage import TRAINING, Stage


class Settings(Section):
    """How long it learns."""

    seed: Seed
    evaluation: ClassifierConfig


STAGE = Stage("train_classifier", Settings, packages=TRAINING, after=("prepare_data",), stream=5)
