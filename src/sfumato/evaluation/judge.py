"""From samples, data and classifier, as they lie in their files, to the scores of a run."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sfumato.compute.randomness import stage_key
from sfumato.config.evaluation import ScoringConfig
from sfumato.errors import InputError
from sfumato.evaluation.classifier import Classifier
from sfumato.evaluation.scores import Scores, score, score_floor
from sfumato.evaluation.tables import FLOOR, Nearest
from sfumato.sampling.timing import Timing

Arrays = Mapping[str, np.ndarray]
N_NEAREST = 10


def judge_samples(
    data: Arrays,
    classifier: Arrays,
    samples: Arrays,
    timing: Timing,
    config: ScoringConfig,
    seed: int,
) -> dict[str, Any]:
    """Return what stands in `Metrics` of a run, but for its name and what made it.

    Raises:
        InputError: if there are more samples than held-out images to compare them with.
    """
    images = samples["images"]
    if len(images) > len(data["test_images"]):
        raise InputError(
            f"evaluation.n_samples: {len(images)} must be at most data.n_test "
            f"({len(data['test_images'])})"
        )
    scores = score(images, *_real(data), _restore(data, classifier), **_options(config, seed))
    return {
        "nfe": timing.steps,
        "seconds_per_sample": timing.seconds_per_sample,
        **_facts(scores, len(images), classifier),
    }


def judge_real_images(
    data: Arrays, classifier: Arrays, config: ScoringConfig, seed: int
) -> dict[str, Any]:
    """Return the same for training images in place of samples."""
    n_images, options = config.n_samples, _options(config, seed)
    restored = _restore(data, classifier)
    scores = score_floor(*_real(data), restored, n_images=n_images, seed=seed, **options)
    facts = _facts(scores, n_images, classifier)
    return {"run": FLOOR, "settings": {}, "nfe": 0, "seconds_per_sample": 0.0, **facts}


def _real(data: Arrays) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return data["test_images"], data["test_labels"], data["train_images"]


def _restore(data: Arrays, arrays: Arrays) -> Classifier:
    weights = {name: array for name, array in arrays.items() if "." in name}
    return Classifier.from_weights(weights, data["test_images"].shape[1:], int(arrays["n_classes"]))


def _options(config: ScoringConfig, seed: int) -> dict[str, Any]:
    return {
        "neighbours": config.neighbours,
        "two_sample_steps": config.two_sample_steps,
        "key": stage_key(seed, "two_sample"),
    }


def _facts(scores: Scores, n_images: int, classifier: Arrays) -> dict[str, Any]:
    memory = scores.memory
    order = np.argsort(memory.distances, kind="stable")[:N_NEAREST].tolist()
    return {
        "n_samples": n_images,
        "scores": scores.values,
        "intervals": scores.intervals,
        "nearest": [
            Nearest(sample=i, train=int(memory.nearest[i]), distance=float(memory.distances[i]))
            for i in order
        ],
        "classifier_accuracy": float(classifier["accuracy"]),
    }
