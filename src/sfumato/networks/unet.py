"""The denoising network: a U-Net after Ho, Jain and Abbeel 2020, arXiv:2006.11239, appendix B.

Down: at each level `blocks_per_level` residual blocks, and between levels a strided convolution
that halves the sides (rounded up, so any height and width will do). Middle: two residual blocks.
Up: at each level as many blocks, each fed with what its twin on the way down left. The blocks of
the chosen levels, and the middle where the last level is one of them, have self-attention.
Around all this, blocks of `patch_size` x `patch_size` pixels may become channels (space to depth):
fewer, wider pixels, which cost less.
"""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import jax
import jax.numpy as jnp
from flax import nnx

from sfumato.config.model import UNetConfig
from sfumato.errors import InputError
from sfumato.networks.upsampling import convolve_enlarged

EMBEDDING_FACTOR = 4
LONGEST_PERIOD = 10_000
TRUNCATED_NORMAL_STD = 0.87962566103423978  # of a standard normal cut at -2 and 2


@dataclass(frozen=True)
class Layers:
    """Makes the layers of one network: what they all have in common.

    Attributes:
        config: the network's settings.
        rngs: where weights come from.
        dtype: in which the layers compute; None is that of their inputs. Weights are float32.
    """

    config: UNetConfig
    rngs: nnx.Rngs
    dtype: jax.typing.DTypeLike | None = None

    def conv(self, width_in: int, width: int, side: int = 3, strides: int = 1) -> nnx.Conv:
        """Make a convolution with a kernel of `side` x `side`."""
        kernel = (side, side)
        return nnx.Conv(width_in, width, kernel, strides, dtype=self.dtype, rngs=self.rngs)

    def linear(self, width_in: int, width: int) -> nnx.Linear:
        """Make a dense layer."""
        return nnx.Linear(width_in, width, dtype=self.dtype, rngs=self.rngs)

    def norm(self, width: int) -> nnx.GroupNorm:
        """Make a group normalisation."""
        return nnx.GroupNorm(width, self.config.norm_groups, dtype=self.dtype, rngs=self.rngs)


def sinusoidal_embedding(t: jax.Array, width: int) -> jax.Array:
    """Embed times t (B,) as (B, width): sines, then cosines, of geometrically spaced frequencies.

    Vaswani et al. 2017, arXiv:1706.03762, section 3.5; an odd last column is left at zero.
    """
    half = width // 2
    frequencies = jnp.exp(-jnp.log(LONGEST_PERIOD) * jnp.arange(half) / max(half, 1))
    angles = t.astype(jnp.float32)[:, None] * frequencies
    embedding = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=1)
    return jnp.pad(embedding, ((0, 0), (0, width % 2)))


class ResidualBlock(nnx.Module):
    """norm, SiLU, convolution, plus embedding; norm, SiLU, dropout, convolution; plus the input."""

    def __init__(self, width_in: int, width: int, embedding: int, layers: Layers) -> None:
        """Make a block from `width_in` to `width` channels."""
        self.norm_1 = layers.norm(width_in)
        self.conv_1 = layers.conv(width_in, width)
        self.embed = layers.linear(embedding, width)
        self.norm_2 = layers.norm(width)
        self.dropout = nnx.Dropout(layers.config.dropout)
        self.conv_2 = layers.conv(width, width)
        self.shortcut = None if width_in == width else layers.conv(width_in, width, side=1)

    def __call__(
        self, x: jax.Array, embedding: jax.Array, *, rngs: nnx.Rngs | None = None
    ) -> jax.Array:
        """(B, H, W, width_in), (B, embedding) -> (B, H, W, width)."""
        h = self.conv_1(nnx.silu(self.norm_1(x)))
        h = h + self.embed(embedding)[:, None, None, :]
        h = self.conv_2(self.dropout(nnx.silu(self.norm_2(h)), rngs=rngs))
        return h + (x if self.shortcut is None else self.shortcut(x))


class SelfAttention(nnx.Module):
    """Multi-head attention among the pixels of an image (arXiv:1706.03762), plus the input."""

    def __init__(self, width: int, layers: Layers) -> None:
        """Attend with `attention_heads` heads over `width` channels."""
        self.heads = layers.config.attention_heads
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


class Stage(nnx.Module):
    """One residual block, and self-attention after it where the level has it."""

    def __init__(self, width_in: int, level: int, embedding: int, layers: Layers) -> None:
        """Make a stage of `level` that takes `width_in` channels."""
        width = layers.config.widths[level]
        self.block = ResidualBlock(width_in, width, embedding, layers)
        attends = level in layers.config.attention_levels
        self.attention = SelfAttention(width, layers) if attends else None

    def __call__(
        self, x: jax.Array, embedding: jax.Array, *, rngs: nnx.Rngs | None = None
    ) -> jax.Array:
        """(B, H, W, width_in), (B, embedding) -> (B, H, W, width)."""
        x = self.block(x, embedding, rngs=rngs)
        return x if self.attention is None else self.attention(x)


class UNet(nnx.Module):
    """Predicts, from x_t and t, the noise, x_0 or v: whatever it is trained for."""

    def __init__(
        self, config: UNetConfig, *, rngs: nnx.Rngs, dtype: jax.typing.DTypeLike | None = None
    ) -> None:
        """Draw fresh weights; inside one jit with `initialise`, which is much faster.

        Args:
            config: size and shape.
            rngs: stream `params`.
            dtype: in which the layers compute, bfloat16 for instance. Weights and output are
                float32 whatever it is.
        """
        self.config = config
        layers = Layers(config, rngs, dtype)
        widths = config.widths
        embedding = EMBEDDING_FACTOR * config.channels
        self.embed_1 = layers.linear(config.channels, embedding)
        self.embed_2 = layers.linear(embedding, embedding)
        # One class more than asked for: the last one stands for "no class".
        classes = config.num_classes
        self.embed_class = nnx.Embed(classes + 1, embedding, rngs=rngs) if classes else None
        patch_channels = config.patch_size**2 * config.input_dim[-1]
        self.conv_in = layers.conv(patch_channels, widths[0])
        down, downsample, up, upsample = [], [], [], []
        width = widths[0]
        for level in range(len(widths)):
            if level:
                downsample.append(layers.conv(width, width, strides=2))
            for _ in range(config.blocks_per_level):
                down.append(Stage(width, level, embedding, layers))
                width = widths[level]
        self.middle_1 = Stage(width, len(widths) - 1, embedding, layers)
        self.middle_2 = ResidualBlock(width, width, embedding, layers)
        for level in reversed(range(len(widths))):
            for _ in range(config.blocks_per_level):
                up.append(Stage(width + widths[level], level, embedding, layers))
                width = widths[level]
            if level:
                upsample.append(layers.conv(width, width))
        self.down, self.downsample = nnx.List(down), nnx.List(downsample)
        self.up, self.upsample = nnx.List(up), nnx.List(upsample)
        self.norm_out = layers.norm(width)
        self.conv_out = layers.conv(width, patch_channels)

    def __call__(
        self,
        x: jax.Array,
        t: jax.Array,
        labels: jax.Array | None = None,
        *,
        rngs: nnx.Rngs | None = None,
    ) -> jax.Array:
        """Return the prediction, of the shape of x.

        Args:
            x: (B, H, W, C), the noisy images.
            t: (B,), their times.
            labels: (B,), classes 0 .. num_classes - 1; left out, the images have no class.
            rngs: stream `dropout`, needed while training with dropout.
        """
        embedding = self._embed(t, labels)
        levels = range(len(self.config.widths))
        blocks = self.config.blocks_per_level
        h = self.conv_in(_to_patches(x, self.config.patch_size))
        skips = []
        for level in levels:
            if level:
                h = self.downsample[level - 1](h)
            for stage in self.down[level * blocks : (level + 1) * blocks]:
                h = stage(h, embedding, rngs=rngs)
                skips.append(h)
        h = self.middle_2(self.middle_1(h, embedding, rngs=rngs), embedding, rngs=rngs)
        for i, level in enumerate(reversed(levels)):
            for stage in self.up[i * blocks : (i + 1) * blocks]:
                h = stage(jnp.concatenate([h, skips.pop()], axis=-1), embedding, rngs=rngs)
            if level:
                h = convolve_enlarged(self.upsample[i], h, *skips[-1].shape[1:3])
        out = self.conv_out(nnx.silu(self.norm_out(h)))
        return _from_patches(out, self.config.patch_size).astype(x.dtype)

    def _embed(self, t: jax.Array, labels: jax.Array | None) -> jax.Array:
        """Embed the times, and the classes where the network knows any: (B, embedding)."""
        embedding = sinusoidal_embedding(t, self.config.channels)
        embedding = self.embed_2(nnx.silu(self.embed_1(embedding)))
        if self.embed_class is not None:
            if labels is None:
                labels = jnp.full(t.shape, self.config.num_classes)
            embedding = embedding + self.embed_class(labels)
        elif labels is not None:
            raise InputError("labels: this network knows no classes; set model.num_classes")
        return nnx.silu(embedding)


def skeleton(config: UNetConfig, dtype: jax.typing.DTypeLike | None = None) -> UNet:
    """Return the network with shapes in place of weights, as jax.eval_shape would.

    Its layers are shown one key for all: to count keys would take flax most of the time.
    """

    def make() -> UNet:
        key = jax.random.key(0)
        return UNet(config, rngs=cast(nnx.Rngs, SimpleNamespace(params=lambda: key)), dtype=dtype)

    return nnx.eval_shape(make)


def initialise(config: UNetConfig, key: jax.Array) -> UNet:
    """Draw fresh weights from `key` in one compiled program: a second, where flax's take ten.

    Kernels and embeddings are truncated normal with variance 1 / fan-in (LeCun), as flax's own
    are, but cut from one long draw: a draw for each kernel would be compiled for each.
    """
    graphdef, shapes = nnx.split(skeleton(config))
    return nnx.merge(graphdef, jax.jit(lambda key: _draw(shapes, key))(key))


def _draw(shapes: nnx.State, key: jax.Array) -> nnx.State:
    """Fill the parameters: biases 0, scales 1, all others from one draw."""
    total = sum(leaf.size for leaf in jax.tree.leaves(shapes) if leaf.ndim > 1)
    pool = jax.random.truncated_normal(key, -2, 2, (total,)) / TRUNCATED_NORMAL_STD
    used = 0

    def fill(path: tuple[jax.tree_util.KeyEntry, ...], leaf: jax.ShapeDtypeStruct) -> jax.Array:
        nonlocal used
        name = jax.tree_util.keystr(path)
        if leaf.ndim == 1:
            return jnp.full(leaf.shape, float("scale" in name), leaf.dtype)
        drawn = pool[used : used + leaf.size].reshape(leaf.shape)
        used += leaf.size
        fan_in = leaf.shape[-1] if "embedding" in name else leaf.size // leaf.shape[-1]
        return drawn * fan_in**-0.5

    return jax.tree_util.tree_map_with_path(fill, shapes)


def _to_patches(x: jax.Array, side: int) -> jax.Array:
    """Turn blocks of pixels into channels: (B, H, W, C) -> (B, H/side, W/side, side^2 C)."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // side, side, width // side, side, channels)
    return x.swapaxes(2, 3).reshape(batch, height // side, width // side, side**2 * channels)


def _from_patches(x: jax.Array, side: int) -> jax.Array:
    """Undo `_to_patches`."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height, width, side, side, channels // side**2)
    return x.swapaxes(2, 3).reshape(batch, height * side, width * side, channels // side**2)
