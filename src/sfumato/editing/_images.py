"""What edits share that begin with images: the test images, or a picture of the user's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from sfumato.config.fields import Whole
from sfumato.config.inputs import Input
from sfumato.config.paths import shown, user_path
from sfumato.editing.base import Around, Asked, Edit, Mistake
from sfumato.errors import InputError
from sfumato.records.arrays import in_memory

if TYPE_CHECKING:
    from sfumato.records.opening import Opened

DATA = Input("data.npz", "prepare_data")
"""Where the test images are."""


@dataclass(frozen=True)
class OfImages(Edit):
    """An edit of images: sample i is made from test image i."""

    kept: ClassVar[tuple[str, ...]] = ("original",)

    image: Whole | None = Field(default=None, ge=0)
    """Which test image every sample is made from; null for image i of sample i."""
    file: str | None = Field(default=None, min_length=1)
    """A picture of your own, of the size of the network's images, in place of a test image."""

    def inputs(self) -> dict[str, Input]:
        """Return the picture, or the file of the test images; see Edit.inputs."""
        return {"data": DATA} if self.file is None else {"picture": Input(self.file)}

    def arrays(
        self, files: Mapping[str, Path | Opened], image_shape: tuple[int, ...]
    ) -> dict[str, np.ndarray]:
        """Return the images as (n, H, W, C); see Edit.arrays."""
        if picture := files.get("picture"):
            return {"images": read_picture("edit.file", picture, image_shape)[None]}
        return test_images(files)

    def mistakes(self, around: Around) -> Iterator[Mistake]:
        """Yield what asks for images that are not there; see Edit.mistakes."""
        if self.file is not None and self.image is not None:
            yield "edit.image", f"{self.image} is a test image, and edit.file names a picture"
        n = around.n_images
        if n is None or self.file is not None:
            return
        if self.image is not None and self.image >= n:
            yield "edit.image", f"{self.image} must be less than {n}, the number of test images"
        if self.image is None and around.n_samples > n:
            yield (
                "n_samples",
                f"{around.n_samples} must be at most {n}, the number of test images; or let "
                "edit.image name one for all",
            )

    def which(self, asked: Asked) -> np.ndarray:
        """Return the number (B,) of the image that each sample is made from."""
        if self.file is not None or self.image is not None:
            return np.full(len(asked.indices), self.image or 0)
        return np.array(asked.indices)

    def given(self, asked: Asked) -> dict[str, Any]:
        """Return the image of each sample; see Edit.given."""
        images, which = asked.arrays["images"], self.which(asked)
        if which.max() >= len(images):
            raise InputError(
                f"edit: there are {len(images)} test images, and sample "
                f"{asked.indices[which.argmax()]} asks for "
                f"image {which.max()}"
            )
        return {"original": np.asarray(images, np.float32)[which]}


def test_images(files: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the test images of the open file `data`, if it is there, as `images`."""
    opened = files.get("data")
    return {"images": in_memory(opened.arrays["test_images"])} if opened else {}


def read_picture(name: str, path: Any, image_shape: tuple[int, ...]) -> np.ndarray:
    """Read a picture, made `plain`, as (H, W, C) in [-1, 1]; grey is repeated over the channels.

    Raises:
        InputError: if it cannot be read, is of another size, or in colour where images have one
            channel.
    """
    from PIL import UnidentifiedImageError

    from sfumato.records.decoding import opened, plain

    path = user_path(path, name)
    height, width, channels = image_shape
    try:
        with opened(path) as picture:
            pixels = np.asarray(plain(picture).convert("RGB"), np.float32)
    except FileNotFoundError:
        raise InputError(f"{name}: there is no file {shown(path)}") from None
    except InputError as error:
        raise InputError(f"{name}: {shown(path)}: {error}") from None
    except (UnidentifiedImageError, SyntaxError, ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or "it is no picture, or is damaged"
        raise InputError(f"{name}: {shown(path)} cannot be read: {reason}") from None
    if pixels.shape[:2] != (height, width):
        raise InputError(
            f"{name}: {shown(path)} is {pixels.shape[1]} pixels wide and {pixels.shape[0]} high, "
            f"and must be {width} wide and {height} high"
        )
    is_grey = (pixels == pixels[..., :1]).all()
    if channels != pixels.shape[-1]:
        if not is_grey:
            raise InputError(
                f"{name}: {shown(path)} is in colour, and must be grey: images have "
                f"{channels} channel{'s' if channels != 1 else ''}"
            )
        pixels = np.repeat(pixels[..., :1], channels, axis=-1)
    return pixels / np.float32(127.5) - 1
