"""All statistics of one set of images, against real ones that nobody trained on."""

from dataclasses import dataclass, replace
from functools import partial

import jax
import numpy as np

from sfumato.config.labels import NO_CLASS
from sfumato.config.scoring import ScoringConfig
from sfumato.evaluation.bootstrap import confidence_interval
from sfumato.evaluation.classes import (
    class_accuracy,
    class_histogram_distance,
    mean_confidence,
)
from sfumato.evaluation.classifier import Classifier
from sfumato.evaluation.frechet import frechet_distance
from sfumato.evaluation.kernel import kernel_distance
from sfumato.evaluation.memorisation import Memorisation, memorisation
from sfumato.evaluation.neighbours import manifold_scores
from sfumato.evaluation.parts import N_SAMPLES, by_class, by_size
from sfumato.evaluation.two_sample import FIT, two_sample_accuracy


@dataclass(frozen=True)
class RealImages:
    """What images are compared with.

    Attributes:
        held_out: (M, H, W, C), images that nobody trained on.
        labels: (M,), their classes.
        train: (K, H, W, C), what the network was trained with.
    """

    held_out: np.ndarray
    labels: np.ndarray
    train: np.ndarray


@dataclass(frozen=True)
class Scores:
    """What `score` returns.

    Attributes:
        values: by name.
        intervals: by name, the ends of 95 % intervals, of those that have one.
        memory: how near the images are to the training set.
        generated: (N,), how surely each was told from real ones.
        by_class: of each class by itself, where all images were asked for one.
        by_size: of the first n images, for several n.
    """

    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    memory: Memorisation
    generated: np.ndarray
    by_class: dict[str, list[float]]
    by_size: dict[str, list[float]]


def score(
    images: np.ndarray,
    real: RealImages,
    classifier: Classifier,
    config: ScoringConfig,
    *,
    key: jax.Array,
    asked: np.ndarray | None = None,
    memory: Memorisation | None = None,
) -> Scores:
    """Compare images (N, H, W, C) with the first N real ones that were held out, N <= M.

    Args:
        images: those to score.
        real: what they are compared with.
        classifier: whose features carry the distances.
        config: the neighbours and the steps of the two-sample test.
        key: of the two-sample test.
        asked: (N,), the class that each was asked for, -1 for none.
        memory: for training images, of which `memorisation` must not be asked.
    """
    compared, labels = real.held_out[: len(images)], real.labels[: len(images)]
    theirs, (ours, probabilities) = classifier.features(compared), classifier.look(images)
    guesses = probabilities.argmax(axis=1)
    fit = replace(FIT, steps=config.two_sample_steps)
    told_apart = two_sample_accuracy(compared, images, key=key, fit=fit)
    memory = memory or memorisation(real.train, real.held_out, images)
    of_features = partial(_of_features, neighbours=config.neighbours)
    sizes = by_size(theirs, ours, of_features, config.neighbours + 1)
    values = {
        **{name: column[-1] for name, column in sizes.items() if name != N_SAMPLES},
        "confidence": mean_confidence(probabilities),
        "class_distance": class_histogram_distance(labels, guesses, classifier.n_classes),
        "two_sample_accuracy": told_apart.accuracy,
        "memorised": memory.share_closer,
        "memorisation_auc": memory.auc,
    }
    if (right := class_accuracy(asked, guesses) if asked is not None else None) is not None:
        values["class_accuracy"] = right
    interval = partial(confidence_interval, a=theirs, b=ours, seed=0)
    intervals = {
        "fd_lenet": tuple(max(0.0, end) for end in interval(frechet_distance)),
        "kid": interval(kernel_distance),
        "two_sample_accuracy": (told_apart.low, told_apart.high),
    }
    classes = {}
    if asked is not None and (asked != NO_CLASS).all():
        classes = by_class(theirs, labels, ours, asked, guesses, config.neighbours)
    return Scores(values, intervals, memory, told_apart.generated, classes, sizes)


def _of_features(theirs: np.ndarray, ours: np.ndarray, neighbours: int) -> dict[str, float]:
    """Return the statistics of the features of real images (N, D) and of those scored (M, D)."""
    manifold = manifold_scores(theirs, ours, neighbours)
    return {
        "fd_lenet": frechet_distance(theirs, ours),
        "kid": kernel_distance(theirs, ours),
        "precision": manifold.precision,
        "recall": manifold.recall,
        "density": manifold.density,
        "coverage": manifold.coverage,
    }


def score_floor(
    real: RealImages, classifier: Classifier, config: ScoringConfig, *, seed: int, key: jax.Array
) -> Scores:
    """Return the scores of real training images, drawn again for each seed: what to compare with.

    The classifier has learnt from them, so of its confidence they have more than other real images.
    Memorisation is that of one half of the held-out images against the other: real ones are as
    near to the training set as real ones are.
    """
    rng = np.random.default_rng
    chosen = rng(seed).choice(len(real.train), config.n_samples, replace=False)
    halves = rng(seed).permutation(len(real.held_out))
    half = len(real.held_out) // 2
    one, other = real.held_out[halves[:half]], real.held_out[halves[half:]]
    memory = memorisation(real.train, one, other)
    return score(real.train[chosen], real, classifier, config, key=key, memory=memory)
