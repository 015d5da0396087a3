"""A picture as it is meant: upright, on black where it is transparent, 8 bits a channel."""

import numpy as np
from PIL import Image, ImageOps


def plain(picture: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF data say, and put what is transparent on black.

    Grey of 16 bits becomes grey of 8, rounded; Pillow's `convert` would cut it off at 255.
    """
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):
        levels = np.asarray(picture)
        seen = levels != picture.info.get("transparency", -1)
        return Image.fromarray(np.round(levels / 257 * seen).astype(np.uint8))
    if picture.has_transparency_data:
        black = Image.new("RGBA", picture.size, "black")
        return Image.alpha_composite(black, picture.convert("RGBA"))
    return picture
