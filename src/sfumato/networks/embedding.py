"""Time and class as one vector, which tells every block how noisy its input is, and of what."""

import jax
import jax.numpy as jnp
from flax import nnx

from sfumato.errors import InputError
from sfumato.networks.blocks import Layers

LONGEST_PERIOD = 10_000
FACTOR = 4
"""Width of the embedding, as a multiple of that of the sines and cosines."""


def sinusoidal_embedding(t: jax.Array, width: int) -> jax.Array:
    """Embed times t (B,) as (B, width): sines, then cosines, of geometrically spaced frequencies.

    Vaswani et al. 2017, arXiv:1706.03762, section 3.5; an odd last column is left at zero.
    """
    half = width // 2
    frequencies = jnp.exp(-jnp.log(LONGEST_PERIOD) * jnp.arange(half) / max(half, 1))
    angles = t.astype(jnp.float32)[:, None] * frequencies
    embedding = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=1)
    return jnp.pad(embedding, ((0, 0), (0, width % 2)))


class Embedding(nnx.Module):
    """Two dense layers on the sines and cosines of the time, plus a row for the class."""

    def __init__(self, channels: int, num_classes: int, layers: Layers) -> None:
        """Embed times by `channels` sines and cosines, and `num_classes` classes if there are any.

        The table has one row more than there are classes: the null class, for images without a
        class.
        """
        self.channels, self.num_classes = channels, num_classes
        self.width = FACTOR * channels
        self.dense_1 = layers.linear(channels, self.width)
        self.dense_2 = layers.linear(self.width, self.width)
        table = nnx.Embed(num_classes + 1, self.width, rngs=layers.rngs) if num_classes else None
        self.labels = table

    def __call__(
        self, t: jax.Array, labels: jax.Array | None, told: jax.Array | None = None
    ) -> jax.Array:
        """Embed times t (B,) and labels (B,) as (B, width).

        Args:
            t: times, 0 .. T - 1.
            labels: classes 0 .. num_classes - 1; -1, like leaving them out, is no class. Any
                class beyond makes NaN of the whole vector.
            told: (B, width), what is added of anything else that the network is told.

        Raises:
            InputError: if there are labels, and the network knows no classes.
        """
        embedding = sinusoidal_embedding(t, self.channels)
        embedding = self.dense_2(nnx.silu(self.dense_1(embedding)))
        if self.labels is not None:
            labels = jnp.full(t.shape, -1) if labels is None else labels
            beyond = jnp.where(labels < self.num_classes, labels, self.num_classes + 1)
            embedding += self.labels(jnp.where(labels < 0, self.num_classes, beyond))
        elif labels is not None:
            raise InputError("labels: this network knows no classes; set model.num_classes")
        return nnx.silu(embedding if told is None else embedding + told)
