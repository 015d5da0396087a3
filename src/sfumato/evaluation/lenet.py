"""The network of the small classifier whose features carry FD-LeNet and its companions.

A LeNet (LeCun et al. 1998, Proceedings of the IEEE 86, 2278) with max pooling and ReLU:

    5x5 convolution to 16, pool 2x2, 5x5 convolution to 32, pool 2x2, normalise each image's values
    (Ba et al. 2016, arXiv:1607.06450), dense to 64, dense to classes

The 64 values before the last layer are the features. Without the normalisation about half of
them are 0 for every digit.
"""

import jax
import jax.numpy as jnp
from flax import nnx

FEATURES = 64
SMALLEST = 8  # side of an image, so that two poolings leave 2 x 2


class LeNet(nnx.Module):
    """Images (B, H, W, C) -> logits (B, n_classes), by way of features (B, 64)."""

    def __init__(self, image_shape: tuple[int, ...], n_classes: int, *, rngs: nnx.Rngs) -> None:
        """Draw fresh weights for images of `image_shape`, (H, W, C)."""
        height, width, channels = image_shape
        self.conv_1 = nnx.Conv(channels, 16, (5, 5), rngs=rngs)
        self.conv_2 = nnx.Conv(16, 32, (5, 5), rngs=rngs)
        pooled = 32 * (height // 4) * (width // 4)
        self.norm = nnx.LayerNorm(pooled, use_bias=False, use_scale=False, rngs=rngs)
        self.dense = nnx.Linear(pooled, FEATURES, rngs=rngs)
        self.head = nnx.Linear(FEATURES, n_classes, rngs=rngs)

    def features(self, x: jax.Array) -> jax.Array:
        """(B, H, W, C) -> (B, 64), 0 or more."""
        for conv in (self.conv_1, self.conv_2):
            x = max_pool(nnx.relu(conv(x)))
        return nnx.relu(self.dense(self.norm(x.reshape(len(x), -1))))

    def __call__(self, x: jax.Array) -> jax.Array:
        """(B, H, W, C) -> (B, n_classes)."""
        return self.head(self.features(x))


def max_pool(x: jax.Array) -> jax.Array:
    """(B, H, W, C) -> (B, H // 2, W // 2, C): the largest of each 2x2 pixels.

    The same numbers as flax's, and the same gradient, which goes to the first of the largest. But
    that one adds up with XLA's select-and-scatter, which has no fixed order on a GPU, and takes
    several times as long on a CPU.
    """
    height, width = x.shape[1] // 2 * 2, x.shape[2] // 2 * 2
    x = x[:, :height, :width]
    x = _larger(x[:, :, 0::2], x[:, :, 1::2])
    return _larger(x[:, 0::2], x[:, 1::2])


def _larger(first: jax.Array, second: jax.Array) -> jax.Array:
    return jnp.where(first >= second, first, second)
