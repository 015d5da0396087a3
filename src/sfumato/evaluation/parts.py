"""The same scores of parts of the images: of each class by itself, and of the first n of them."""

from collections.abc import Callable, Mapping

import numpy as np

from sfumato.evaluation.neighbours import manifold_scores

SHARES = (8, 4, 2, 1)
"""Of all images an eighth, a quarter, a half, and all."""
N_SAMPLES = "n_samples"
"""What the numbers of images are called, beside the scores."""


def by_class(
    real: np.ndarray,
    labels: np.ndarray,
    generated: np.ndarray,
    asked: np.ndarray,
    guesses: np.ndarray,
    neighbours: int,
) -> dict[str, list[float]]:
    """Return accuracy, precision and recall of each class, against real images of that class.

    Args:
        real: (N, D), features of real images.
        labels: (N,), their classes, 0 .. C - 1.
        generated: (M, D), features of generated images.
        asked: (M,), the class that each was asked for.
        guesses: (M,), the class that a classifier finds in each.
        neighbours: k of `manifold_scores`.

    Returns:
        Of each score C numbers; nothing if a class has no more than k images on either side.
    """
    found: dict[str, list[float]] = {"class_accuracy": [], "precision": [], "recall": []}
    for number in range(int(max(labels.max(), asked.max())) + 1):
        ours, theirs = asked == number, labels == number
        if min(ours.sum(), theirs.sum()) <= neighbours:
            return {}
        manifold = manifold_scores(real[theirs], generated[ours], neighbours)
        found["class_accuracy"].append(float((guesses[ours] == number).mean()))
        found["precision"].append(manifold.precision)
        found["recall"].append(manifold.recall)
    return found


def by_size(
    real: np.ndarray,
    generated: np.ndarray,
    scores: Callable[[np.ndarray, np.ndarray], Mapping[str, float]],
    least: int,
) -> dict[str, list[float]]:
    """Return scores of the first n images of both sides, n an eighth of them to all.

    Args:
        real: (N, D), features of real images.
        generated: (N, D), features of generated images.
        scores: of two sets of features.
        least: the fewest images that have scores.

    Returns:
        Of each score as many numbers as there are under N_SAMPLES, the last of all images.
    """
    sizes = [size for share in SHARES if (size := len(generated) // share) >= least]
    found = [scores(real[:size], generated[:size]) for size in sizes]
    columns = {name: [float(each[name]) for each in found] for name in found[0]}
    return {N_SAMPLES: [float(size) for size in sizes], **columns}
