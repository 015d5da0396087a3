"""The blocks of the U-Net, and the layers that they are made of."""

from dataclasses import dataclass
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
from flax import nnx
from flax.nnx.nn.dtypes import promote_dtype

from sfumato.compute.fusion import to_pixels
from sfumato.networks.normalisation import GroupNorm


@dataclass(frozen=True)
class Layers:
    """Makes the layers of one network: what they all have in common.

    Attributes:
        rngs: where weights come from.
        dtype: in which the layers compute; None is that of their inputs. Weights are float32.
        norm_groups: of each group normalisation.
    """

    rngs: nnx.Rngs
    dtype: jax.typing.DTypeLike | None = None
    norm_groups: int = 1

    def conv(self, width_in: int, width: int, side: int = 3, strides: int = 1) -> nnx.Conv:
        """Make a convolution with a kernel of `side` x `side`."""
        kernel = (side, side)
        return nnx.Conv(
            width_in,
            width,
            kernel,
            strides,
            dtype=self.dtype,
            promote_dtype=_with_a_bias_for_each_image,
            rngs=self.rngs,
        )

    def linear(self, width_in: int, width: int) -> nnx.Linear:
        """Make a dense layer."""
        return nnx.Linear(width_in, width, dtype=self.dtype, rngs=self.rngs)

    def norm(self, width: int) -> GroupNorm:
        """Make a group normalisation."""
        return GroupNorm(width, self.norm_groups, dtype=self.dtype, rngs=self.rngs)


_Arrays = TypeVar("_Arrays", bound=tuple[Any, ...])


def _with_a_bias_for_each_image(
    arrays: _Arrays, /, *, dtype: jax.typing.DTypeLike | None = None, inexact: bool = True
) -> _Arrays:
    """Promote input, kernel and bias (C,) of a convolution; repeat the bias for each image."""
    x, kernel, bias = promote_dtype(arrays, dtype=dtype, inexact=inexact)
    biases = to_pixels(jnp.broadcast_to(bias, (len(x), *bias.shape)))
    return cast("_Arrays", (x, kernel, biases))


class SelfAttention(nnx.Module):
    """Multi-head attention among the pixels of an image (arXiv:1706.03762), plus the input."""

    def __init__(self, width: int, heads: int, layers: Layers) -> None:
        """Attend with `heads` heads over `width` channels."""
        self.heads = heads
        self.norm = layers.norm(width)
        self.project_in = layers.linear(width, 3 * width)
        self.project_out = layers.linear(width, width)

    def __call__(self, x: jax.Array) -> jax.Array:
        """(B, H, W, width) -> (B, H, W, width)."""
        batch, height, width, channels = x.shape
        pixels = self.project_in(self.norm(x))
        pixels = pixels.reshape(batch, height * width, 3, self.heads, channels // self.heads)
        query, key, value = pixels[:, :, 0], pixels[:, :, 1], pixels[:, :, 2]
        attended = jax.nn.dot_product_attention(query, key, value)
        return x + self.project_out(attended.reshape(x.shape))


class ResidualBlock(nnx.Module):
    """norm, SiLU, convolution, plus embedding; norm, SiLU, dropout, convolution; plus the input.

    Self-attention follows where the block has it.
    """

    def __init__(
        self,
        width_in: int,
        width: int,
        layers: Layers,
        *,
        embedding: int,
        dropout: float = 0.0,
        heads: int = 0,
    ) -> None:
        """Make a block from `width_in` to `width` channels.

        Args:
            width_in: channels of the input.
            width: channels of the output.
            layers: makes the layers.
            embedding: width of the embedding of time and class.
            dropout: probability with which a value is dropped while training.
            heads: of the self-attention; 0 for none.
        """
        self.norm_1 = layers.norm(width_in)
        self.conv_1 = layers.conv(width_in, width)
        self.embed = layers.linear(embedding, width)
        self.norm_2 = layers.norm(width)
        self.dropout = nnx.Dropout(dropout)
        self.conv_2 = layers.conv(width, width)
        self.shortcut = None if width_in == width else layers.conv(width_in, width, side=1)
        self.attention = SelfAttention(width, heads, layers) if heads else None

    def __call__(
        self, x: jax.Array, embedding: jax.Array, *, rngs: nnx.Rngs | None = None
    ) -> jax.Array:
        """(B, H, W, width_in), (B, embedding) -> (B, H, W, width)."""
        h = self.conv_1(nnx.silu(self.norm_1(x)))
        h = h + to_pixels(self.embed(embedding))
        h = self.conv_2(self.dropout(nnx.silu(self.norm_2(h)), rngs=rngs))
        h = h + (x if self.shortcut is None else self.shortcut(x))
        return h if self.attention is None else self.attention(h)
