"""Which classes the images are of, as a classifier sees them, and how sure it is."""

import numpy as np

from sfumato.errors import InputError


def class_histogram_distance(labels_a: np.ndarray, labels_b: np.ndarray, n_classes: int) -> float:
    """Return the total variation distance between the shares p_c and q_c of the classes.

    distance = 1/2 sum_c |p_c - q_c|

    It is 0 for equal shares, 1 for sets without a common class, and the share of a class that one
    set lacks where the others keep their proportions.

    Args:
        labels_a: (N,), whole numbers 0 .. n_classes - 1.
        labels_b: (M,), the same.
        n_classes: how many classes there are.

    Raises:
        InputError: if there are no labels, or one is not such a number.
    """
    p, q = (_shares(np.asarray(labels), n_classes) for labels in (labels_a, labels_b))
    return float(np.abs(p - q).sum() / 2)


def class_accuracy(asked: np.ndarray, guesses: np.ndarray) -> float | None:
    """Return the share of images that a classifier puts in the class that was asked for.

    accuracy = 1/N sum_i [guess_i = asked_i]

    Args:
        asked: (M,), whole numbers; -1 asked for no class, and does not count.
        guesses: (M,), of the classifier.

    Returns:
        From 0 to 1; None where no class was asked for.
    """
    counted = asked >= 0
    return float((asked == guesses)[counted].mean()) if counted.any() else None


def mean_confidence(probabilities: np.ndarray) -> float:
    """Return the mean over images of the largest probability, from 1 / n_classes to 1.

    Args:
        probabilities: (N, n_classes), each row with the sum 1.

    Raises:
        InputError: if they have another shape, or a row is not a distribution.
    """
    probabilities = np.asarray(probabilities, np.float64)
    if probabilities.ndim != 2 or not probabilities.size:
        raise InputError(
            f"probabilities: their shape {probabilities.shape} must be (N, n_classes), N at least 1"
        )
    whole = np.isclose(probabilities.sum(axis=1), 1, atol=1e-3) & (probabilities >= 0).all(axis=1)
    if not whole.all():
        row = int(np.argmin(whole))
        raise InputError(
            f"probabilities: row {row} has the sum {probabilities[row].sum():.3g} and the least "
            f"value {probabilities[row].min():.3g}; they must be at least 0, with the sum 1"
        )
    return float(probabilities.max(axis=1).mean())


def check_labels(labels: np.ndarray, n_classes: int) -> None:
    """Raise an InputError unless labels are one or more of 0 .. n_classes - 1, (N,)."""
    if labels.ndim != 1 or not labels.size or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"labels: {labels.dtype} of shape {labels.shape} must be whole numbers (N,), "
            "N at least 1"
        )
    wrong = labels[(labels < 0) | (labels >= n_classes)]
    if len(wrong):
        raise InputError(f"labels: {wrong[0]} must be from 0 to {n_classes - 1}")


def _shares(labels: np.ndarray, n_classes: int) -> np.ndarray:
    check_labels(labels, n_classes)
    return np.bincount(labels, minlength=n_classes) / len(labels)
