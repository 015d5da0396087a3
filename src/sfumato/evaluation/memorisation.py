"""Whether generated images are copies of training images: distances in pixel space.

    d(x) = min_i |x - train_i|,   Euclidean, over all pixels of the 8-bit images

A memorised image has a small d; but how small is small? Real images that were held out of the
training set say what is usual. A model that draws new images draws them as far from the training
set as these are. Carlini et al. 2023, arXiv:2301.13188, find copies by such distances; Meehan et
al. 2020, arXiv:2004.05675, compare them with those of held-out images by the same rank sum.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from sfumato.errors import InputError
from sfumato.evaluation.quantise import quantise

USUAL = 0.05  # the share of held-out images that count as unusually near


@dataclass(frozen=True)
class Memorisation:
    """What `memorisation` returns.

    Attributes:
        share_closer: share of generated images at most as far as the nearest 5 % of held-out ones:
            about 0.05 if nothing is memorised, 1 for copies.
        auc: P(d(generated) < d(held-out)), ties counted half: 0.5 if both are alike, 1 for copies.
        median_generated: median of d over generated images.
        median_held_out: median of d over held-out images.
        distances: (N,), d of each generated image.
        nearest: (N,), index of the training image that it is nearest to.
    """

    share_closer: float
    auc: float
    median_generated: float
    median_held_out: float
    distances: np.ndarray
    nearest: np.ndarray


def memorisation(train: np.ndarray, held_out: np.ndarray, generated: np.ndarray) -> Memorisation:
    """Compare how near generated and held-out images are to the training set, with d as above.

    The AUC is the rank-sum statistic U / (N M) of Mann and Whitney. The pixels of `held_out` must
    be from the same source as those of `train`, and none of them may be in it.

    Args:
        train: (K, H, W, C) in [-1, 1].
        held_out: (M, H, W, C).
        generated: (N, H, W, C).

    Raises:
        InputError: if the images are of different shapes; see also `quantise`.
    """
    pixels = [_pixels(images, np.shape(train)) for images in (train, held_out, generated)]
    usual, _ = _nearest(pixels[0], pixels[1])
    distances, nearest = _nearest(pixels[0], pixels[2])
    is_generated = np.repeat([0, 1], [len(usual), len(distances)])
    auc = roc_auc_score(is_generated, -np.concatenate([usual, distances]))
    return Memorisation(
        share_closer=float((distances <= np.quantile(usual, USUAL)).mean()),
        auc=float(auc),
        median_generated=float(np.median(distances)),
        median_held_out=float(np.median(usual)),
        distances=distances,
        nearest=nearest,
    )


def _pixels(images: np.ndarray, like: tuple[int, ...]) -> np.ndarray:
    """Return images (N, H, W, C) as float64 rows (N, H W C)."""
    images = quantise(images)
    if images.shape[1:] != like[1:]:
        raise InputError(
            f"images: {images.shape[1:]} must be {like[1:]}, the shape of the training images"
        )
    return images.reshape(len(images), -1).astype(np.float64)


def _nearest(train: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return distance (N,) and index (N,) of the training image nearest to each image.

    The search multiplies squares out, which is fast but rounds; so the distance to what it found
    is computed again, and is 0 for a copy.
    """
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(train)
    nearest = search.kneighbors(images, return_distance=False)[:, 0]
    return np.linalg.norm(images - train[nearest], axis=1), nearest
