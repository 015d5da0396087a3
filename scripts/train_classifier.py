"""Train the classifier whose features carry FD-LeNet, on the real training images.

python scripts/train_classifier.py --data results/mine/data.npz \
    --config '{"seed": 0, "evaluation": {"classifier_steps": 1500}}' \
    --output results/mine/evaluation/classifier.npz
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sfumato.compute.backend import describe
from sfumato.compute.randomness import stage_key
from sfumato.config.evaluation import ClassifierConfig
from sfumato.config.fields import Section, Seed
from sfumato.errors import InputError
from sfumato.evaluation.classifier import train_classifier
from sfumato.records.arrays import digest, load_arrays, save_arrays
from sfumato.records.provenance import TRAINING, provenance
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings

BATCH_SIZE, LEARNING_RATE = 64, 2e-3


class Settings(Section):
    """The sections that this script reads."""

    seed: Seed
    evaluation: ClassifierConfig


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "data", "output")
    settings = read_settings(Settings, arguments.config)
    names = [f"{split}_{kind}" for split in ("train", "test") for kind in ("images", "labels")]
    data, data_record = load_arrays(Path(arguments.data), *names)
    if data["train_labels"].min() < 0:
        raise InputError("data.source: evaluation needs images with classes")
    n_classes = int(data["train_labels"].max()) + 1
    classifier = train_classifier(
        data["train_images"],
        data["train_labels"],
        n_classes,
        steps=settings.evaluation.classifier_steps,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        key=stage_key(settings.seed, "classifier"),
    )
    guesses = classifier.probabilities(data["test_images"]).argmax(axis=1)
    arrays = classifier.weights() | {
        "n_classes": np.array(n_classes),
        "accuracy": np.array((guesses == data["test_labels"]).mean(), np.float32),
    }
    record = provenance(
        __file__,
        "evaluation/classifier.npz",
        settings,
        packages=TRAINING,
        inputs={"data": {"digest": digest(data), "provenance": data_record}},
        device=describe(),
    )
    save_arrays(Path(arguments.output), arrays, record)


if __name__ == "__main__":
    main()
