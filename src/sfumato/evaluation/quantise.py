"""The 256 levels of a PNG: what is left of an image once it is stored."""

import numpy as np

from sfumato.compute.ranges import check_range
from sfumato.errors import InputError


def quantise(images: np.ndarray) -> np.ndarray:
    """Round images to 8 bits, and return them in [-1, 1] again.

    level = round(127.5 (min(max(x, -1), 1) + 1)),   half to even;   x = level / 127.5 - 1

    Rounding twice is rounding once, to the bit.

    Args:
        images: (N, H, W, C); values outside [-1, 1] are clipped.

    Returns:
        (N, H, W, C) float32.

    Raises:
        InputError: if they have another shape, or there are none, one holds NaN or infinities, or
            they have levels 0 .. 255.
    """
    images = np.asarray(images)
    if images.ndim != 4 or not images.size:
        raise InputError(
            f"images: their shape {images.shape} must be (N, H, W, C), with at least one image"
        )
    broken = np.flatnonzero(~np.isfinite(images).all(axis=(1, 2, 3)))
    if len(broken):
        raise InputError(
            f"images: {len(broken)} of {len(images)}, image {broken[0]} the first, hold NaN or "
            "infinite values; draw them again, or look at what made them"
        )
    check_range("images", images)
    levels = np.round((np.clip(images.astype(np.float64), -1, 1) + 1) * 127.5)
    return (levels / 127.5 - 1).astype(np.float32)
