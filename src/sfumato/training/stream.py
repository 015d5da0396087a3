"""In which order a run sees its images: one permutation of all of them after another, endlessly."""

from functools import lru_cache

import jax
import numpy as np

from sfumato.compute.randomness import threefry_key


def image_order(
    key: jax.Array, n_images: int, batch_size: int, first_step: int, steps: int
) -> np.ndarray:
    """Return which images the steps first_step .. first_step + steps - 1 take.

    Step n takes the positions n B .. (n + 1) B - 1 of the stream, whichever steps are asked for.

    Returns:
        (steps, batch_size) int32, each 0 .. n_images - 1.
    """
    positions = np.arange(first_step * batch_size, (first_step + steps) * batch_size)
    epochs = positions // n_images
    order = np.empty(len(positions), np.int32)
    key_data = tuple(np.asarray(jax.random.key_data(key)))
    for epoch in range(epochs[0], epochs[-1] + 1):
        inside = epochs == epoch
        order[inside] = _permutation(key_data, epoch, n_images)[positions[inside] % n_images]
    return order.reshape(steps, batch_size)


@lru_cache(maxsize=2)  # a few steps see two epochs at most, unless the images are few
def _permutation(key_data: tuple[int, ...], epoch: int, n_images: int) -> np.ndarray:
    """Return the order of one epoch; its key is none of those of the steps."""
    key = threefry_key(key_data)
    epochs = jax.random.fold_in(key, np.uint32(2**32 - 1))
    return np.asarray(jax.random.permutation(jax.random.fold_in(epochs, epoch), n_images))
