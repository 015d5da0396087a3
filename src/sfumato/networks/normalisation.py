"""Group normalisation, written for the time that its sums take on a CPU."""

import jax
import jax.numpy as jnp
from flax import nnx

from sfumato.compute.fusion import apart, pixel_means, to_pixels


class GroupNorm(nnx.GroupNorm):
    """Normalises groups of channels (arXiv:1803.08494), then scales and shifts each channel.

    y = (x - mean) / sqrt(variance + epsilon) scale + bias, mean and variance over the pixels and
    the channels of a group. Equal to flax's, up to rounding.
    """

    def __call__(self, x: jax.Array, *, mask: jax.Array | None = None) -> jax.Array:
        """(B, H, W, num_features) -> the same shape; computed in float32 at least. No masks."""
        assert self.scale is not None and self.bias is not None and mask is None
        dtype = self.dtype or x.dtype
        x = apart(x).astype(jnp.promote_types(dtype, jnp.float32))
        mean, square = self._group_means(x), self._group_means(x * x)
        variance = jnp.maximum(square - mean * mean, 0)
        scale = jax.lax.rsqrt(variance + self.epsilon) * self.scale[...]
        shift = self.bias[...] - mean * scale
        return apart(x * to_pixels(scale) + to_pixels(shift)).astype(dtype)

    def _group_means(self, x: jax.Array) -> jax.Array:
        """Return for each channel the mean of its group, (B, num_features)."""
        groups = pixel_means(x).reshape(-1, self.num_groups, self.group_size).mean(-1)
        return jnp.repeat(groups, self.group_size, axis=1)
