"""Blocks of pixels as channels (space to depth): fewer, wider pixels, which cost less."""

import jax


def to_patches(x: jax.Array, side: int) -> jax.Array:
    """Turn blocks of pixels into channels: (B, H, W, C) -> (B, H/side, W/side, side^2 C)."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // side, side, width // side, side, channels)
    return x.swapaxes(2, 3).reshape(batch, height // side, width // side, side**2 * channels)


def from_patches(x: jax.Array, side: int) -> jax.Array:
    """Undo `to_patches`: (B, H, W, side^2 C) -> (B, side H, side W, C)."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height, width, side, side, channels // side**2)
    return x.swapaxes(2, 3).reshape(batch, height * side, width * side, channels // side**2)
