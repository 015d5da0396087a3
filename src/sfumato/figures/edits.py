"""The samples of an entry with an edit: what was given, above or beside what was made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sfumato.figures.panels import image_rows
from sfumato.records.arrays import in_memory
from sfumato.records.opening import open_record

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from sfumato.config.render import GridLook
    from sfumato.figures.titles import Heading
    from sfumato.records.opening import Opened

MADE = {
    "inpaint": "completed",
    "vary": "varied",
    "invert": "reconstructed",
    "interpolate": "interpolated",
    "restore": "restored",
}
"""What the samples of an edit are called; those of any other are its result."""
GIVEN = {"known": "known, the\nrest grey"}
"""What an array beside the samples is called, where its own name does not say it."""


def edited(look: GridLook, samples: Opened, kind: str, said: Heading) -> Drawing:
    """Draw the first `look.max_panels` samples of an edit.

    What is the same for all samples is shown once, before them; what each sample has of its own is
    a row above them.
    """
    arrays = {
        name: in_memory(rows, look.max_panels)
        for name, rows in open_record(samples.path).arrays.items()
    }
    images = arrays.pop("images")
    given = {
        name: _enlarged(each, images) for name, each in arrays.items() if each.ndim == images.ndim
    }
    made = MADE.get(kind, "result")
    if "fraction" in arrays:
        return _way(look, given, arrays["fraction"], images, said)
    if len(images) > 1 and all(_same(each) for each in given.values()):
        return _strip(look, given, made, images, said)
    rows = {GIVEN.get(name, name): each for name, each in given.items()}
    rows |= {made: images} | _measured(arrays, images)
    return image_rows(rows, [str(i) for i in range(len(images))], said, look)


def _way(
    look: GridLook,
    ends: Mapping[str, np.ndarray],
    fraction: np.ndarray,
    images: np.ndarray,
    said: Heading,
) -> Drawing:
    """Draw what lies between two ends, under its place on the way; images at the ends around it."""
    titles, shown = [f"{value:.2g}" for value in fraction], [images]
    if ends:
        titles = ["first image", *titles, "second image"]
        shown = [ends["first"][:1], images, ends["second"][:1]]
    return image_rows({"": np.concatenate(shown)}, titles, said, look, ends=("first", "second"))


def _strip(
    look: GridLook, given: Mapping[str, np.ndarray], made: str, images: np.ndarray, said: Heading
) -> Drawing:
    """Draw one image after the other: what was given, the samples, and how they differ."""
    titles = [GIVEN.get(name, name) for name in given]
    titles += [*(f"{made} {i}" for i in range(len(images))), "spread"]
    spread = 2 * images.std(axis=0, keepdims=True) - 1
    shown = np.concatenate([*(each[:1] for each in given.values()), images, spread])
    return image_rows({"": shown}, titles, said, look)


def _enlarged(array: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Repeat pixels (N, h, w, C) up to the size of images (N, H, W, C)."""
    height, width = (
        size // own for size, own in zip(images.shape[1:3], array.shape[1:3], strict=True)
    )
    return array.repeat(height, axis=1).repeat(width, axis=2)


def _same(array: np.ndarray) -> bool:
    return bool((array == array[:1]).all())


def _measured(arrays: Mapping[str, Any], images: np.ndarray) -> dict[str, np.ndarray]:
    """Return the error of what should be the image again."""
    return {"error": images - arrays["original"]} if "noise" in arrays else {}
