"""The diffusion transformer of Peebles and Xie 2023, arXiv:2212.09748, with adaLN-Zero blocks.

Blocks of pixels become tokens, which carry the sines and cosines of their row and column. In each
block, with c the embedding of time and class,

    shift, scale, gate = linear(c)                              six of them, three for each line
    x <- x + gate attention((1 + scale) norm(x) + shift)
    x <- x + gate perceptron((1 + scale) norm(x) + shift)

The linear maps of c, and the last layer, begin at zero: a fresh block is the identity, and a fresh
network predicts 0. Unlike the paper's, the other kernels are truncated normal, as in every network
here, and the class is dropped by the training, not by the embedding.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.nn.initializers import zeros

from sfumato.networks.base import Network
from sfumato.networks.blocks import Layers
from sfumato.networks.dit_config import DiTConfig
from sfumato.networks.embedding import FACTOR, Embedding, sinusoidal_embedding
from sfumato.networks.patches import from_patches, to_patches

PERCEPTRON = 4
"""Width of a perceptron's hidden layer, as a multiple of that of its tokens."""


class DiT(Network):
    """Tokens through a stack of equal blocks."""

    def __init__(
        self, config: DiTConfig, *, rngs: nnx.Rngs, dtype: jax.typing.DTypeLike | None = None
    ) -> None:
        """Make the layers; see `Network`."""
        self.config, self.patch_size = config, config.patch_size
        layers, width = Layers(rngs, dtype), config.width
        patch_channels = config.patch_size**2 * config.input_dim[-1]
        self.embed = Embedding(width // FACTOR, config.num_classes, layers)
        self.project_in = layers.linear(patch_channels, width)
        blocks = (Block(config, layers) for _ in range(config.depth))
        self.blocks = nnx.List(list(blocks))
        self.norm_out = _norm(width, layers)
        self.modulate_out = _zero(width, 2 * width, layers)
        self.project_out = _zero(width, patch_channels, layers)

    def __call__(
        self,
        x: Array,
        t: Array,
        labels: Array | None = None,
        *,
        told: Array | None = None,
        rngs: nnx.Rngs | None = None,
    ) -> Array:
        """Return the prediction, of the shape of x; see `Network`."""
        embedding = self.embed(t, labels, told)
        patches = to_patches(x, self.patch_size)
        batch, height, width, channels = patches.shape
        tokens = self.project_in(patches.reshape(batch, height * width, channels))
        tokens = tokens + positions(height, width, tokens.shape[-1])
        for block in self.blocks:
            tokens = block(tokens, embedding, rngs=rngs)
        shift, scale = _split(self.modulate_out(embedding), 2)
        out = self.project_out(_modulate(self.norm_out(tokens), shift, scale))
        return from_patches(out.reshape(patches.shape), self.patch_size).astype(x.dtype)


class Block(nnx.Module):
    """Self-attention, then a perceptron, each modulated by the embedding and added to its input."""

    def __init__(self, config: DiTConfig, layers: Layers) -> None:
        """Make a block of the network that `config` describes."""
        width = config.width
        self.heads = config.attention_heads
        self.modulate = _zero(width, 6 * width, layers)
        self.norm_1 = _norm(width, layers)
        self.project_in = layers.linear(width, 3 * width)
        self.project_out = layers.linear(width, width)
        self.norm_2 = _norm(width, layers)
        self.widen = layers.linear(width, PERCEPTRON * width)
        self.dropout = nnx.Dropout(config.dropout)
        self.narrow = layers.linear(PERCEPTRON * width, width)

    def __call__(
        self, x: jax.Array, embedding: jax.Array, *, rngs: nnx.Rngs | None = None
    ) -> jax.Array:
        """(B, N, width), (B, width) -> (B, N, width)."""
        shift_1, scale_1, gate_1, shift_2, scale_2, gate_2 = _split(self.modulate(embedding), 6)
        x = x + gate_1 * self._attend(_modulate(self.norm_1(x), shift_1, scale_1))
        hidden = nnx.gelu(self.widen(_modulate(self.norm_2(x), shift_2, scale_2)))
        return x + gate_2 * self.narrow(self.dropout(hidden, rngs=rngs))

    def _attend(self, x: jax.Array) -> jax.Array:
        batch, tokens, width = x.shape
        parts = self.project_in(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        attended = jax.nn.dot_product_attention(parts[:, :, 0], parts[:, :, 1], parts[:, :, 2])
        return self.project_out(attended.reshape(x.shape))


def positions(height: int, width: int, channels: int) -> jax.Array:
    """Embed the places of tokens, row by row, as (height * width, channels): row, then column."""
    rows, columns = jnp.divmod(jnp.arange(height * width), width)
    halves = [sinusoidal_embedding(each, channels // 2) for each in (rows, columns)]
    return jnp.concatenate(halves, axis=-1)


def _split(modulation: jax.Array, count: int) -> list[jax.Array]:
    """Cut (B, count * width) into parts that broadcast over the tokens: (B, 1, width) each."""
    return jnp.split(modulation[:, None], count, axis=-1)


def _modulate(x: jax.Array, shift: jax.Array, scale: jax.Array) -> jax.Array:
    return (1 + scale) * x + shift


def _norm(width: int, layers: Layers) -> nnx.LayerNorm:
    """Make a layer normalisation without weights, whose part the modulation plays."""
    return nnx.LayerNorm(
        width, use_bias=False, use_scale=False, dtype=layers.dtype, rngs=layers.rngs
    )


def _zero(width_in: int, width: int, layers: Layers) -> nnx.Linear:
    """Make a dense layer that begins at zero."""
    return nnx.Linear(
        width_in,
        width,
        kernel_init=zeros,
        kernel_metadata={"initial": zeros},
        dtype=layers.dtype,
        rngs=layers.rngs,
    )
