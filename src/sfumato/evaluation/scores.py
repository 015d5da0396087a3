"""All statistics of one set of images, against real ones that nobody trained on."""

from dataclasses import dataclass
from functools import partial

import jax
import numpy as np

from sfumato.evaluation.bootstrap import confidence_interval
from sfumato.evaluation.classes import class_histogram_distance, mean_confidence
from sfumato.evaluation.classifier import Classifier
from sfumato.evaluation.frechet import frechet_distance
from sfumato.evaluation.kernel import kernel_distance
from sfumato.evaluation.memorisation import Memorisation, memorisation
from sfumato.evaluation.neighbours import manifold_scores
from sfumato.evaluation.two_sample import two_sample_accuracy


@dataclass(frozen=True)
class Scores:
    """What `score` returns.

    Attributes:
        values: by name.
        intervals: by name, the ends of 95 % intervals, of those that have one.
        memory: how near the images are to the training set.
    """

    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    memory: Memorisation


def score(
    images: np.ndarray,
    held_out: np.ndarray,
    held_out_labels: np.ndarray,
    train: np.ndarray,
    classifier: Classifier,
    *,
    neighbours: int,
    two_sample_steps: int,
    key: jax.Array,
    memory: Memorisation | None = None,
) -> Scores:
    """Compare images (N, H, W, C) with N real ones that were held out.

    Args:
        images: those to judge.
        held_out: (M, H, W, C), M >= N; the first N are compared with.
        held_out_labels: (M,), their classes.
        train: (K, H, W, C), what the network was trained with.
        classifier: whose features carry the distances.
        neighbours: k of precision, recall, density and coverage.
        two_sample_steps: of each classifier of the two-sample test.
        key: of the two-sample test.
        memory: of images for which `memorisation` is not to be asked: of training images.
    """
    real, labels = held_out[: len(images)], held_out_labels[: len(images)]
    ours, theirs = classifier.features(images), classifier.features(real)
    probabilities = classifier.probabilities(images)
    guesses = probabilities.argmax(axis=1)
    manifold = manifold_scores(theirs, ours, neighbours)
    told_apart = two_sample_accuracy(real, images, key=key, steps=two_sample_steps)
    memory = memory or memorisation(train, held_out, images)
    values = {
        "fd_lenet": frechet_distance(theirs, ours),
        "kid": kernel_distance(theirs, ours),
        "precision": manifold.precision,
        "recall": manifold.recall,
        "density": manifold.density,
        "coverage": manifold.coverage,
        "confidence": mean_confidence(probabilities),
        "class_distance": class_histogram_distance(labels, guesses, classifier.n_classes),
        "two_sample_accuracy": told_apart.accuracy,
        "memorised": memory.share_closer,
        "memorisation_auc": memory.auc,
    }
    interval = partial(confidence_interval, a=theirs, b=ours, seed=0)
    intervals = {
        "fd_lenet": interval(frechet_distance),
        "kid": interval(kernel_distance),
        "two_sample_accuracy": (told_apart.low, told_apart.high),
    }
    return Scores(values, intervals, memory)


def score_floor(
    held_out: np.ndarray,
    held_out_labels: np.ndarray,
    train: np.ndarray,
    classifier: Classifier,
    *,
    n_images: int,
    seed: int,
    neighbours: int,
    two_sample_steps: int,
    key: jax.Array,
) -> Scores:
    """Return the scores of real training images, drawn anew for each seed: what is best.

    Memorisation is that of one half of the held-out images against the other: real ones are as
    near to the training set as real ones are.
    """
    chosen = np.random.default_rng(seed).choice(len(train), n_images, replace=False)
    halves = np.random.default_rng(seed).permutation(len(held_out))
    half = len(held_out) // 2
    return score(
        train[chosen],
        held_out,
        held_out_labels,
        train,
        classifier,
        neighbours=neighbours,
        two_sample_steps=two_sample_steps,
        key=key,
        memory=memorisation(train, held_out[halves[:half]], held_out[halves[half:]]),
    )
