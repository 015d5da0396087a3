"""A folder of pictures as one array: every PNG and JPEG below it, brought to one shape."""

import hashlib
import io
import logging
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sfumato.config.paths import shown
from sfumato.data.pictures import Pictures, contents_of, digest_of, find_pictures
from sfumato.errors import InputError
from sfumato.records.decoding import opened, plain

Fit = Literal["crop", "pad", "stretch"]

_LOG = logging.getLogger("sfumato")
_FORMATS = ["PNG", "JPEG"]
_MODES = {1: "L", 3: "RGB"}
"""Number of channels -> what Pillow calls such a picture."""

_UNREADABLE = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, AttributeError, LookupError),
    *(OverflowError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError),
)
"""What Pillow raises for damaged pictures."""


def picture_files(folder: str | Path) -> list[Path]:
    """Return every PNG and JPEG below a folder, in the order of their paths from there.

    Raises:
        InputError: if there is no such folder, or no picture in it.
    """
    folder = Path(folder)
    return find_pictures(folder).paths


def survey(pictures: Pictures) -> str:
    """Return the digest of pictures, after a look at the first bytes of each.

    Raises:
        InputError: if one cannot be read, or is neither PNG nor JPEG; it names the first.
    """
    broken: list[tuple[str, str]] = []

    def looked_at() -> Iterator[tuple[str, bytes]]:
        for name, content in contents_of(pictures):
            if reason := _wrong_start(content):
                broken.append((name, reason))
            yield name, content

    digest = digest_of(looked_at())
    if broken:
        name, reason = broken[0]
        more = f"; {len(broken) - 1} more are not" if len(broken) > 1 else ""
        raise InputError(f"data.folder: {_not_whole(pictures.folder / name, reason)}{more}")
    return digest


def load_folder(
    folder: str | Path, image_shape: tuple[int, ...], fit: Fit, digest: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Load the pictures of a folder, upright, on black where they are transparent.

    What is left out of the folder, and which pictures are blank, is said in the log.

    Args:
        folder: where `picture_files` finds them.
        image_shape: (H, W, C); C is 1 for grey, 3 for red, green and blue.
        fit: what is done to a picture with another aspect ratio: `crop` scales its shorter side and
            keeps the centre, `pad` scales its longer side and fills up with black, `stretch`
            scales both. All of it is bilinear, averaging over the pixels that fall into one.
        digest: that the pictures must have; None for any.

    Returns:
        images: (N, H, W, C) uint8.
        labels: (N,) int64, which sub-folder a picture is in, in the order of their names; -1
            for pictures in the folder itself.

    Raises:
        InputError: if there are no pictures, if one cannot be read, if they do not have
            the digest, or if C is neither.
    """
    folder = Path(folder)
    check_channels(image_shape[-1])
    pictures = find_pictures(folder)
    if pictures.left_out:
        _LOG.warning("data.folder: %s", pictures.sentence)
    images = np.empty((len(pictures.states), *image_shape), np.uint8)
    places = iter(images)

    def loaded() -> Iterator[tuple[str, bytes]]:
        for name, content in contents_of(pictures):
            picture = _open(folder / name, content).convert(_MODES[image_shape[-1]])
            fitted = _fit(picture, (image_shape[1], image_shape[0]), fit)
            next(places)[:] = np.asarray(fitted).reshape(image_shape)
            yield name, content

    found = digest_of(loaded())
    if digest not in (None, found):
        raise InputError(other_digest(folder, found, str(digest)))
    _say_blank(pictures, images)
    _say_copies(pictures, images)
    return images, _labels(pictures)


def check_channels(channels: int) -> None:
    """Raise an InputError unless images with so many channels can be made from pictures."""
    if channels not in _MODES:
        raise InputError(
            f"model.input_dim: {channels} channels are not those of a picture; give it 1 for grey, "
            "3 for colours"
        )


def other_digest(folder: Path, found: str, wanted: str) -> str:
    """Return the sentence for pictures that are not those that are asked for."""
    return (
        f"data.digest: the pictures in {shown(folder)} are others, with the digest {found[:16]} "
        f"and not {wanted[:16]}; name the folder of those, or set data.digest to null, or, if they "
        "changed just now, run the same command again"
    )


def _labels(pictures: Pictures) -> np.ndarray:
    index = {name: i for i, name in enumerate(pictures.classes)}
    return np.array([index[n.split("/", 1)[0]] if "/" in n else -1 for n in pictures.states])


def _say_blank(pictures: Pictures, images: np.ndarray) -> None:
    """Say in the log which pictures are blank."""
    pixels = images.reshape(len(images), -1)
    blank = np.flatnonzero(pixels.min(axis=1) == pixels.max(axis=1)) if pixels.shape[1] > 1 else []
    if len(blank):
        first = shown(pictures.folder / list(pictures.states)[blank[0]])
        _LOG.warning(
            "data.folder: %d of %d pictures are blank, %s the first", len(blank), len(images), first
        )


def _say_copies(pictures: Pictures, images: np.ndarray) -> None:
    """Say in the log which pictures look as others do: some may be learnt, and held out too."""
    seen: dict[bytes, int] = {}
    digests = (hashlib.sha256(image).digest() for image in images)
    firsts = [seen.setdefault(each, i) for i, each in enumerate(digests)]
    copies = [i for i, first in enumerate(firsts) if first != i and np.ptp(images[i])]
    if copies:
        names = list(pictures.states)
        one, other = (shown(pictures.folder / names[i]) for i in (copies[0], firsts[copies[0]]))
        _LOG.warning(
            "data.folder: at this size %d of %d pictures look as others do, %s as %s; where they "
            "are copies, take them out, or some that are held out are learnt as well",
            *(len(copies), len(images), one, other),
        )


def _wrong_start(content: bytes) -> str:
    """Say what is wrong with the header of a picture, if anything is."""
    try:
        with opened(io.BytesIO(content), _FORMATS):
            return ""
    except _UNREADABLE as error:
        return _reason(error)


def _open(path: Path, content: bytes) -> Image.Image:
    """Read a picture."""
    try:
        with opened(io.BytesIO(content), _FORMATS) as picture:
            return plain(picture)
    except InputError as error:
        raise InputError(f"{shown(path)}: {error}") from None
    except _UNREADABLE as error:
        raise InputError(_not_whole(path, _reason(error))) from None


def _reason(error: Exception) -> str:
    """Return what Pillow says; of a stream in memory it says where that is."""
    if isinstance(error, UnidentifiedImageError):
        return "it does not begin like one"
    if isinstance(error, Image.DecompressionBombError):
        return "it has too many pixels to be read; make it smaller"
    return str(error).split("\n")[0]


def _not_whole(path: Path, reason: str) -> str:
    return (
        f"{shown(path)}: this is not a whole PNG or JPEG picture ({reason}); take it out of the "
        "folder, or get it again"
    )


def _fit(picture: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    match fit:
        case "crop":
            return ImageOps.fit(picture, size, Image.Resampling.BILINEAR)
        case "pad":
            scale = min(size[0] / picture.width, size[1] / picture.height)
            width, height = round(picture.width * scale), round(picture.height * scale)
            if not width * height:  # of its shorter side nothing would be left
                least = (max(width, 1), max(height, 1))
                picture = picture.resize(least, Image.Resampling.BILINEAR)
            return ImageOps.pad(picture, size, Image.Resampling.BILINEAR, color="black")
        case "stretch":
            return picture.resize(size, Image.Resampling.BILINEAR)
