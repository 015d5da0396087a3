"""From samples, data and classifier, as they are in their files, to the metrics of a run."""

from typing import Any

import jax
import numpy as np

from sfumato.config.labels import NO_CLASS, in_order, in_turn
from sfumato.config.scoring import FLOOR, ScoringConfig
from sfumato.errors import InputError
from sfumato.evaluation.classifier import Classifier
from sfumato.evaluation.metrics import Judged, Nearest
from sfumato.evaluation.scores import RealImages, Scores, score, score_floor
from sfumato.records.opening import Opened
from sfumato.sampling.timing import Timing

DATA = ("train_images", "test_images", "test_labels")
"""The arrays of the data that an evaluation reads."""
N_NEAREST = 10


def evaluate_samples(
    data: Opened,
    classifier: Opened,
    samples: Opened,
    timing: Timing,
    config: ScoringConfig,
    *,
    key: jax.Array,
) -> dict[str, Any]:
    """Return the fields of `Metrics` of a run, all but `provenance`.

    Args:
        data: with the arrays DATA.
        classifier: all its arrays.
        samples: the images of one entry of `samples`.
        timing: of the same entry; its seconds are not read.
        config: how images are scored.
        key: of the two-sample test.

    Raises:
        InputError: if there are more samples than held-out images to compare them with, or the
            timing is of another entry.
    """
    images, real = samples.read()["images"], _real(data)
    entry = _entry(samples, timing)
    if len(images) > len(real.held_out):
        raise InputError(
            f"evaluation.n_samples: {len(images)} must be at most data.n_test "
            f"({len(real.held_out)})"
        )
    weights = classifier.read()
    asked = in_turn(in_order(entry.get("labels")) or [NO_CLASS], range(len(images)))
    judge = _restore(real, weights)
    scores = score(images, real, judge, config, key=key, asked=np.array(asked))
    return {
        "run": timing.entry,
        "settings": entry,
        "nfe": timing.nfe,
        **_facts(scores, len(images), weights),
    }


def evaluate_real_images(
    data: Opened, classifier: Opened, config: ScoringConfig, *, seed: int, key: jax.Array
) -> dict[str, Any]:
    """Return the same for training images, drawn from `seed`, in place of samples."""
    real, weights = _real(data), classifier.read()
    scores = score_floor(real, _restore(real, weights), config, seed=seed, key=key)
    facts = _facts(scores, config.n_samples, weights)
    return {"run": FLOOR, "settings": {}, "nfe": 0, **facts}


def _entry(samples: Opened, timing: Timing) -> dict[str, Any]:
    """Return the settings of the entry that was drawn; an InputError if another was timed."""
    entries = samples.record.settings.get("samples", {})
    if timing.entry not in entries:
        raise InputError(f"--timing: this timing is of {timing.entry}, not of {samples.path}")
    return entries[timing.entry]


def _real(data: Opened) -> RealImages:
    arrays = data.read()
    return RealImages(arrays["test_images"], arrays["test_labels"], arrays["train_images"])


def _restore(real: RealImages, arrays: dict[str, np.ndarray]) -> Classifier:
    weights = {name: array for name, array in arrays.items() if "." in name}
    return Classifier.from_weights(weights, real.held_out.shape[1:], int(arrays["n_classes"]))


def _facts(scores: Scores, n_images: int, classifier: dict[str, np.ndarray]) -> dict[str, Any]:
    memory = scores.memory
    order = np.argsort(memory.distances, kind="stable")[:N_NEAREST].tolist()
    judged = np.argsort(-scores.generated, kind="stable")
    return {
        "n_samples": n_images,
        "scores": scores.values,
        "intervals": scores.intervals,
        "nearest": [
            Nearest(sample=i, train=int(memory.nearest[i]), distance=float(memory.distances[i]))
            for i in order
        ],
        "told": _judged(scores, judged[:N_NEAREST]),
        "fooling": _judged(scores, judged[::-1][:N_NEAREST]),
        "by_class": scores.by_class,
        "by_size": scores.by_size,
        "classifier_accuracy": float(classifier["accuracy"]),
    }


def _judged(scores: Scores, chosen: np.ndarray) -> list[Judged]:
    return [Judged(sample=int(i), probability=float(scores.generated[i])) for i in chosen]
