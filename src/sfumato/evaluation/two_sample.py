"""The classifier two-sample test: can a classifier tell generated images from real ones?

Lopez-Paz and Oquab 2017, arXiv:1610.06545, section 3. A classifier learns to say which of two
sets an image is from, and is asked about images that it has not seen. If both sets have the same
distribution, its accuracy is 0.5 up to chance; the higher it is, the easier they are told apart.
Here every image is held out once: the sets are cut into folds, and a classifier for each fold
learns from the others.

The interval of Clopper and Pearson 1934, Biometrika 26, 404, treats the answers as independent.
The answers of one classifier are not quite so, and a second run with another key may differ by
more. An accuracy well below 0.5 points to copies: what the classifier learnt as real comes back as
generated.
"""

from dataclasses import dataclass, field

import jax
import numpy as np
from scipy import stats
from sklearn.model_selection import StratifiedKFold

from sfumato.compute.arguments import is_whole
from sfumato.compute.modes import in_own_modes
from sfumato.errors import InputError
from sfumato.evaluation.classifier_training import Fit, train_classifier
from sfumato.evaluation.quantise import quantise

LEVEL = 0.95
FIT = Fit(steps=300, batch_size=128, learning_rate=1e-3, shift=0)
"""Without shifts of the images: where a picture sits may be what tells it apart."""


@dataclass(frozen=True)
class TwoSample:
    """What `two_sample_accuracy` returns.

    Attributes:
        accuracy: the share of images that are told apart.
        low: where its 95 % interval begins.
        high: where it ends.
        generated: (N,), how likely each generated image was found to be one, by a classifier that
            had not seen it.
    """

    accuracy: float
    low: float
    high: float
    generated: np.ndarray = field(compare=False, repr=False)


@in_own_modes
def two_sample_accuracy(
    real: np.ndarray, generated: np.ndarray, *, key: jax.Array, folds: int = 5, fit: Fit = FIT
) -> TwoSample:
    """Return which share of real and generated images are told apart, each held out once.

    accuracy = 1/(2N) sum_i [classifier trained without the fold of i says the set of i]

    Args:
        real: (N, H, W, C) in [-1, 1], sides of 8 pixels at least.
        generated: (N, H, W, C), as many, so that guessing has the accuracy 0.5.
        key: of the folds and of the classifiers.
        folds: into how many parts the sets are cut, 2 .. N; each holds as many real images as
            generated ones, but for one.
        fit: how the classifier of each fold learns.

    Raises:
        InputError: if the sets differ in shape or size, or a number is out of its range.
    """
    real, generated = quantise(real), quantise(generated)
    _check(real, generated, folds)
    images, labels = np.concatenate([real, generated]), np.repeat([0, 1], len(real))
    cut_key, *fold_keys = jax.random.split(key, 1 + folds)
    cut = StratifiedKFold(folds, shuffle=True, random_state=int(jax.random.bits(cut_key)))
    found = np.empty(len(images))
    for (others, held_out), fold_key in zip(cut.split(images, labels), fold_keys, strict=True):
        classifier = train_classifier(images[others], labels[others], 2, fit, key=fold_key)
        found[held_out] = classifier.probabilities(images[held_out])[:, 1]
    right = int(((found > 0.5) == labels).sum())  # at just a half, an image is said to be real
    interval = stats.binomtest(right, len(images)).proportion_ci(LEVEL, "exact")
    ends = float(interval.low), float(interval.high)
    return TwoSample(right / len(images), *ends, generated=found[len(real) :])


def _check(real: np.ndarray, generated: np.ndarray, folds: int) -> None:
    if real.shape != generated.shape:
        raise InputError(
            f"images: real ones {real.shape} and generated ones {generated.shape} must be equally "
            "many and of one shape; take as many of the larger set as the smaller has"
        )
    if not is_whole(folds) or not 2 <= folds <= len(real):
        raise InputError(f"folds: {folds!r} must be from 2 to {len(real)}, the number of images")
