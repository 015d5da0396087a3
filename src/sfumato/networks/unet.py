"""The U-Net of Ho, Jain and Abbeel 2020, arXiv:2006.11239, appendix B.

Down: at each level `blocks_per_level` residual blocks, and between levels a strided convolution
that halves the sides (rounded up, so any height and width will do). Middle: two residual blocks.
Up: at each level as many blocks, each of which also takes the output of its counterpart on the way
down. The blocks of the chosen levels, and the middle where the last level is one of them, have
self-attention. Around all this, blocks of `patch_size` x `patch_size` pixels may become channels.

The layers are textbook ones. `normalisation`, `upsampling` and the sums of biases in `blocks` are
written for speed, and equal flax's own layers up to rounding.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from sfumato.networks.base import Network
from sfumato.networks.blocks import Layers, ResidualBlock
from sfumato.networks.embedding import Embedding
from sfumato.networks.patches import from_patches, to_patches
from sfumato.networks.unet_config import UNetConfig
from sfumato.networks.upsampling import convolve_enlarged


class UNet(Network):
    """Levels of blocks: `down` from full resolution, `up` back to it; `middle` between them."""

    def __init__(
        self, config: UNetConfig, *, rngs: nnx.Rngs, dtype: jax.typing.DTypeLike | None = None
    ) -> None:
        """Make the layers; see `Network`."""
        self.config, self.patch_size = config, config.patch_size
        layers = Layers(rngs, dtype, config.norm_groups)
        patch_channels = config.patch_size**2 * config.input_dim[-1]
        widths, heads = config.widths, _heads(config)
        self.embed = Embedding(config.channels, config.num_classes, layers)
        block = partial(
            ResidualBlock, layers=layers, embedding=self.embed.width, dropout=config.dropout
        )

        def level(i: int, width_in: int, skip: int) -> nnx.List[ResidualBlock]:
            """Make the blocks of level i: each takes `skip` channels beside those before it."""
            before = [width_in, *[widths[i]] * (config.blocks_per_level - 1)]
            return nnx.List([block(each + skip, widths[i], heads=heads[i]) for each in before])

        above, below = (widths[0], *widths[:-1]), (*widths[1:], widths[-1])
        down = [level(i, above[i], skip=0) for i in range(len(widths))]
        up = [level(i, below[i], skip=widths[i]) for i in range(len(widths))]
        self.conv_in = layers.conv(patch_channels, widths[0])
        self.down = nnx.List(down)
        self.downsample = nnx.List([layers.conv(w, w, strides=2) for w in widths[:-1]])
        middle = [block(widths[-1], widths[-1], heads=h) for h in (heads[-1], 0)]
        self.middle = nnx.List(middle)
        self.up = nnx.List(up[::-1])
        self.upsample = nnx.List([layers.conv(w, w) for w in widths[:0:-1]])
        self.norm_out = layers.norm(widths[0])
        self.conv_out = layers.conv(widths[0], patch_channels)

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
        h = self.conv_in(to_patches(x, self.patch_size))
        skips = []
        for blocks, downsample in zip(self.down, [*self.downsample, None], strict=True):
            for block in blocks:
                h = block(h, embedding, rngs=rngs)
                skips.append(h)
            if downsample is not None:
                h = downsample(h)
        for block in self.middle:
            h = block(h, embedding, rngs=rngs)
        for blocks, upsample in zip(self.up, [*self.upsample, None], strict=True):
            for block in blocks:
                h = block(jnp.concatenate([h, skips.pop()], axis=-1), embedding, rngs=rngs)
            if upsample is not None:
                h = convolve_enlarged(upsample, h, *skips[-1].shape[1:3])
        out = self.conv_out(nnx.silu(self.norm_out(h)))
        return from_patches(out, self.patch_size).astype(x.dtype)


def _heads(config: UNetConfig) -> list[int]:
    """Return the heads of attention at each level, 0 where it has none."""
    levels = range(len(config.widths))
    return [config.attention_heads * (level in config.attention_levels) for level in levels]
