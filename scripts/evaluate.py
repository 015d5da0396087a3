"""Judge samples against real images that were held out; without samples, judge real images.

python scripts/evaluate.py --data results/mine/data.npz \
    --classifier results/mine/evaluation/classifier.npz --seed 0 --run ddim_steps_50 \
    --samples results/mine/evaluation/ddim_steps_50/0.npz \
    --timing results/mine/evaluation/ddim_steps_50/0.timing.json \
    --config '{"evaluation": {}}' --output results/mine/evaluation/ddim_steps_50/0.metrics.json

`--run floor`, without `--samples` and `--timing`, judges training images: what nobody can better.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sfumato.arrays import digest, load_arrays
from sfumato.backend import describe
from sfumato.command_line import command, parse
from sfumato.config.evaluation import ScoringConfig
from sfumato.config.fields import Section
from sfumato.config.settings import read_settings
from sfumato.evaluation.classifier import Classifier
from sfumato.evaluation.scores import score, score_floor
from sfumato.provenance import EVALUATING, Record, provenance
from sfumato.quality import FLOOR, Metrics, Nearest
from sfumato.randomness import stage_key
from sfumato.speed import Timing, load_json, save_json

N_NEAREST = 10


class Settings(Section):
    """The section that this script reads."""

    evaluation: ScoringConfig


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    options = ("config", "data", "classifier", "seed", "run", "output")
    arguments = parse(__doc__, argv, *options, samples="", timing="")
    settings = read_settings(Settings, arguments.config).evaluation
    names = ("train_images", "test_images", "test_labels")
    data, data_record = load_arrays(Path(arguments.data), *names)
    weights, classifier_record = load_arrays(Path(arguments.classifier), "n_classes", "accuracy")
    inputs = {
        "data": {"digest": digest(data), "provenance": data_record},
        "classifier": {"digest": digest(weights), "provenance": classifier_record},
    }
    n_classes, accuracy = int(weights.pop("n_classes")), float(weights.pop("accuracy"))
    train, test, labels = (data[name] for name in names)
    classifier = Classifier.from_weights(weights, test.shape[1:], n_classes)
    seed = int(arguments.seed)
    options = {
        "neighbours": settings.neighbours,
        "two_sample_steps": settings.two_sample_steps,
        "key": stage_key(seed, "two_sample"),
    }
    if arguments.run == FLOOR:
        n_samples, nfe, seconds, sampler = settings.n_samples, 0, 0.0, {}
        scores = score_floor(
            test, labels, train, classifier, n_images=n_samples, seed=seed, **options
        )
    else:
        drawn, record = load_arrays(Path(arguments.samples), "images")
        timing = load_json(Timing, Path(arguments.timing))
        inputs["samples"] = {"digest": digest(drawn), "provenance": record}
        images, nfe, seconds = drawn["images"], timing.steps, timing.seconds_per_sample
        n_samples, sampler = len(images), {"sampler": timing.sampler}
        sampler |= record["settings"][timing.sampler]
        scores = score(images, test, labels, train, classifier, **options)
    memory = scores.memory
    nearest = np.argsort(memory.distances, kind="stable")[:N_NEAREST].tolist()
    metrics = Metrics(
        run=arguments.run,
        settings=sampler,
        nfe=nfe,
        n_samples=n_samples,
        seconds_per_sample=seconds,
        scores=scores.values,
        intervals=scores.intervals,
        nearest=[
            Nearest(sample=i, train=int(memory.nearest[i]), distance=float(memory.distances[i]))
            for i in nearest
        ],
        classifier_accuracy=accuracy,
        provenance=Record.model_validate(
            provenance(
                __file__,
                f"evaluation/{arguments.run}/{seed}.metrics.json",
                Settings(evaluation=settings),
                packages=EVALUATING,
                inputs=inputs,
                device=describe(),
            )
        ),
    )
    save_json(Path(arguments.output), metrics)


if __name__ == "__main__":
    main()
