"""Train the classifier whose features carry FD-LeNet, on the real training images.

python scripts/train_classifier.py --data results/mine/data.npz \
    --config '{"seed": 0, "evaluation": {"classifier_steps": 1500}}' \
    --output results/mine/evaluation/classifier.npz
"""

from collections.abc import Sequence

import numpy as np

from sfumato.compute.backend import describe
from sfumato.compute.randomness import stage_key
from sfumato.errors import InputError
from sfumato.evaluation.classifier_training import Fit, train_classifier
from sfumato.records.arrays import save_arrays
from sfumato.records.opening import open_record
from sfumato.records.outputs import check_outputs
from sfumato.records.provenance import provenance
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.train_classifier import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "data", "output")
    arguments = parser.parse_args(argv)
    check_outputs({"output": arguments.output})
    settings = read_settings(Settings, arguments.config)
    names = [f"{split}_{kind}" for split in ("train", "test") for kind in ("images", "labels")]
    opened = open_record(arguments.data, *names)
    data = opened.read()
    if data["train_labels"].min() < 0:
        raise InputError("data.source: evaluation needs images with classes")
    images, labels = data["train_images"], data["train_labels"]
    n_classes = int(labels.max()) + 1
    fit, key = Fit(settings.evaluation.classifier_steps), stage_key(settings.seed, STAGE.stream)
    classifier = train_classifier(images, labels, n_classes, fit, key=key)
    guesses = classifier.probabilities(data["test_images"]).argmax(axis=1)
    arrays = classifier.weights() | {
        "n_classes": np.array(classifier.n_classes),
        "accuracy": np.array((guesses == data["test_labels"]).mean(), np.float32),
    }
    artifact, inputs = "evaluation/classifier.npz", {"data": opened}
    record = provenance(STAGE, artifact, settings, inputs=inputs, device=describe())
    save_arrays(arguments.output, arrays, record)


if __name__ == "__main__":
    main()
