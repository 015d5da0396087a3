"""A picture as it is meant: upright, on black where it is transparent, 8 bits a channel."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import IO

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

from sfumato.errors import InputError

_SCALE = {"L;2": 85, "L;4": 17}
"""By what Pillow multiplies grey of 2 and 4 bits, but not the level that is transparent."""
_ONE_AT_A_TIME = RLock()
"""Pillow's limit is one for all threads."""


@contextmanager
def opened(file: Path | IO[bytes], formats: list[str] | None = None) -> Iterator[Image.Image]:
    """Open a picture, whatever a PNG holds besides: Pillow refuses 1 MiB of text or colour profile.

    Args:
        file: where it is.
        formats: those that it may have, of Pillow's; None for any.
    """
    with _ONE_AT_A_TIME:
        usual = PngImagePlugin.MAX_TEXT_CHUNK
        PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY
        try:
            with Image.open(file, formats=formats) as picture:
                yield picture
        finally:
            PngImagePlugin.MAX_TEXT_CHUNK = usual


def plain(picture: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF data say, and put what is transparent on black.

    Grey of 16 bits becomes grey of 8, rounded; Pillow's `convert` would cut it off at 255.

    Raises:
        InputError: if one of its colours of 3 x 16 bits is transparent: Pillow reads 8 of them.
    """
    tiles = getattr(picture, "tile", None)  # none once it is decoded
    stored, key = tiles[0][3] if tiles else picture.mode, picture.info.get("transparency")
    if stored == "RGB;16B" and key:
        raise InputError(
            "one of its colours of 16 bits is transparent, and cannot be told from others in 8 "
            "bits; save it with an alpha channel, or with nothing transparent"
        )
    if picture.mode == "L" and isinstance(key, int):
        picture.info["transparency"] = key * _SCALE.get(stored, 1)
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):
        levels = np.asarray(picture)
        seen = levels != picture.info.get("transparency", -1)
        return Image.fromarray(np.round(levels / 257 * seen).astype(np.uint8))
    if picture.has_transparency_data:
        black = Image.new("RGBA", picture.size, "black")
        return Image.alpha_composite(black, picture.convert("RGBA"))
    return picture
