"""The classifier of classifier guidance: it says of x_t and t which class the image is of.

The way down of a U-Net, as of Dhariwal and Nichol 2021, arXiv:2105.05233, section 4.3, in small:

    convolution to 32 at half the sides, residual block, convolution to 64 at a quarter, residual
    block, normalisation, mean over the pixels, dense to classes

The time is embedded, and reaches both blocks, as in the U-Net.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from sfumato.networks.blocks import Layers, ResidualBlock
from sfumato.networks.embedding import Embedding
from sfumato.networks.naming import named
from sfumato.networks.restoring import restored, structure, weights_of

NARROW, WIDE, GROUPS = 32, 64, 8


class GuidanceClassifier(nnx.Module):
    """x_t (B, H, W, C), t (B,) -> logits (B, n_classes)."""

    def __init__(self, image_shape: tuple[int, ...], n_classes: int, *, rngs: nnx.Rngs) -> None:
        """Draw fresh weights for images of `image_shape`, (H, W, C)."""
        layers = Layers(rngs, norm_groups=GROUPS)
        self.embed = Embedding(NARROW, 0, layers)
        width = self.embed.width
        self.conv_in = layers.conv(image_shape[-1], NARROW, strides=2)
        self.block_1 = ResidualBlock(NARROW, NARROW, layers, embedding=width)
        self.downsample = layers.conv(NARROW, WIDE, strides=2)
        self.block_2 = ResidualBlock(WIDE, WIDE, layers, embedding=width)
        self.norm = layers.norm(WIDE)
        self.head = layers.linear(WIDE, n_classes)

    def __call__(self, x: jax.Array, t: jax.Array) -> jax.Array:
        """Return the logits."""
        embedding = self.embed(t, None)
        h = self.block_1(self.conv_in(x), embedding)
        h = self.block_2(self.downsample(h), embedding)
        return self.head(nnx.silu(self.norm(h)).mean((1, 2)))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LogProbability:
    """(x_t (B, H, W, C), t) -> log p(y | x_t), (B, n_classes), at one time t for all; a pytree."""

    parameters: nnx.State
    graphdef: nnx.GraphDef[GuidanceClassifier] = field(metadata={"static": True})

    def __call__(self, x_t: jax.Array, t: jax.typing.ArrayLike) -> jax.Array:
        """Ask the classifier."""
        network = nnx.merge(self.graphdef, self.parameters)
        return jax.nn.log_softmax(network(x_t, jnp.broadcast_to(t, x_t.shape[:1])))

    @property
    def n_classes(self) -> int:
        """How many classes it knows."""
        return named(self.parameters)["head.bias"].shape[0]

    def weights(self) -> dict[str, np.ndarray]:
        """Return the weights by name, `conv_in.kernel`; `from_weights` takes them back."""
        return weights_of(self.parameters)

    @classmethod
    def from_weights(
        cls, weights: Mapping[str, np.ndarray], image_shape: tuple[int, ...], n_classes: int
    ) -> Self:
        """Build the classifier that `weights()` came from.

        Raises:
            InputError: if they are not those of such images and classes, or are not finite.
        """
        graphdef, shapes = structure(GuidanceClassifier, image_shape, n_classes)
        return cls(restored(shapes, weights), graphdef)
