"""Nearest-neighbour upsampling and the 3 x 3 convolution after it, as one operation.

Where sides are doubled, an output pixel sees through its 3 x 3 window only 2 x 2 different inputs:
of two neighbouring rows that are copies of one input row, the kernel's rows add up. So each of the
four pixels that an input pixel becomes is a convolution of the input with a 2 x 2 kernel of its
own, and all of them take 16 products where the plain way takes 36. Compare Shi et al. 2016,
arXiv:1609.07009.
"""

import jax
import jax.numpy as jnp
from flax import nnx


def enlarge(x: jax.Array, height: int, width: int) -> jax.Array:
    """Double the sides by repeating pixels, then cut to `height` and `width`."""
    return x.repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width]


def convolve_enlarged(conv: nnx.Conv, x: jax.Array, height: int, width: int) -> jax.Array:
    """Return conv(enlarge(x, height, width)), in less than half the products if nothing is cut.

    Args:
        conv: a 3 x 3 convolution with bias, stride 1, same padding.
        x: (B, H, W, C).
        height: 2 H, or 2 H - 1.
        width: 2 W, or 2 W - 1.

    Returns:
        (B, height, width, conv.out_features).
    """
    if (height, width) != (2 * x.shape[1], 2 * x.shape[2]):
        return conv(enlarge(x, height, width))
    assert conv.bias is not None
    x, kernel, bias = conv.promote_dtype((x, conv.kernel[...], conv.bias[...]), dtype=conv.dtype)
    pixels = [
        [_convolve(x, window, (row, column)) for column, window in enumerate(_windows(rows, 1))]
        for row, rows in enumerate(_windows(kernel, 0))
    ]
    out = jnp.stack([jnp.stack(row, axis=3) for row in pixels], axis=2)
    return out.reshape(x.shape[0], height, width, conv.out_features) + bias


def _windows(kernel: jax.Array, axis: int) -> tuple[jax.Array, jax.Array]:
    """Add up what falls on the same input: for the first of two copies, and for the second."""
    before, at, after = jnp.split(kernel, 3, axis)
    return (
        jnp.concatenate([before, at + after], axis),
        jnp.concatenate([before + at, after], axis),
    )


def _convolve(x: jax.Array, kernel: jax.Array, copy: tuple[int, int]) -> jax.Array:
    """Convolve with a 2 x 2 kernel; the first copy, 0, sees the input before, 1 the one after."""
    padding = [(1 - side, side) for side in copy]
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
