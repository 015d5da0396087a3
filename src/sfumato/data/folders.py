"""A folder of pictures as one array: every PNG and JPEG below it, brought to one shape."""

import struct
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from sfumato.errors import InputError

Fit = Literal["crop", "pad", "stretch"]

_SUFFIXES = {".png", ".jpg", ".jpeg"}
_MODES = {1: "L", 3: "RGB"}
"""Number of channels -> what Pillow calls such a picture."""

_UNREADABLE = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, AttributeError, LookupError),
    *(OverflowError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError),
)
"""What Pillow raises for damaged pictures."""


def picture_files(folder: Path) -> list[Path]:
    """Return every PNG and JPEG below a folder, in the order of their paths from there.

    Files and folders that begin with a dot are left out.

    Raises:
        InputError: if there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise InputError(f"data.folder: there is no folder {folder}; name the one of your pictures")
    names = sorted(
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.suffix.lower() in _SUFFIXES and path.is_file()
    )
    names = [name for name in names if not any(part.startswith(".") for part in name.parts)]
    if not names:
        raise InputError(
            f"data.folder: there is no picture in {folder}; put files there that end in "
            f"{', '.join(sorted(_SUFFIXES))}"
        )
    return [folder / name for name in names]


def load_folder(
    folder: Path, image_shape: tuple[int, ...], fit: Fit
) -> tuple[np.ndarray, np.ndarray]:
    """Load the pictures of a folder, upright, on black where they are transparent.

    Args:
        folder: where `picture_files` finds them.
        image_shape: (H, W, C); C is 1 for grey, 3 for red, green and blue.
        fit: what is done to a picture with another aspect ratio: `crop` scales its shorter side and
            keeps the centre, `pad` scales its longer side and fills up with black, `stretch`
            scales both. All of it is bilinear, averaging over the pixels that fall into one.

    Returns:
        images: (N, H, W, C) uint8.
        labels: (N,) int64, which sub-folder a picture is in, in the order of their names; -1
            for pictures in the folder itself.

    Raises:
        InputError: if there are no pictures, if one cannot be read, or if C is neither.
    """
    height, width, channels = image_shape
    if channels not in _MODES:
        raise InputError(
            f"model.input_dim: {channels} channels are not those of a picture; give it 1 for grey, "
            "3 for colours"
        )
    files = picture_files(folder)
    images = np.empty((len(files), *image_shape), np.uint8)
    for image, path in zip(images, files, strict=True):
        picture = _open(path).convert(_MODES[channels])
        image[:] = np.asarray(_fit(picture, (width, height), fit)).reshape(image_shape)
    return images, _labels([path.relative_to(folder) for path in files])


def _labels(names: list[Path]) -> np.ndarray:
    classes = sorted({name.parts[0] for name in names if len(name.parts) > 1})
    index = {name: i for i, name in enumerate(classes)}
    return np.array([index[name.parts[0]] if len(name.parts) > 1 else -1 for name in names])


def _open(path: Path) -> Image.Image:
    """Read a picture, turned as its EXIF data say, without transparency, 8 bits a channel."""
    try:
        with Image.open(path, formats=["PNG", "JPEG"]) as picture:
            return _opaque(ImageOps.exif_transpose(picture))
    except _UNREADABLE as error:
        raise InputError(
            f"{path}: this is not a whole PNG or JPEG picture ({error}); take it out of the "
            "folder, or get it again"
        ) from None


def _opaque(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits of grey, which `convert` would cut off at 255
        return Image.fromarray(np.round(np.asarray(picture) / 257).astype(np.uint8))
    if picture.has_transparency_data:
        black = Image.new("RGBA", picture.size, "black")
        return Image.alpha_composite(black, picture.convert("RGBA"))
    return picture


def _fit(picture: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    match fit:
        case "crop":
            return ImageOps.fit(picture, size, Image.Resampling.BILINEAR)
        case "pad":
            return ImageOps.pad(picture, size, Image.Resampling.BILINEAR, color="black")
        case "stretch":
            return picture.resize(size, Image.Resampling.BILINEAR)
