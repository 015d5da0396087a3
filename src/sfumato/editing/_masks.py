"""Masks: which pixels of an image are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BeforeValidator

from sfumato.config.fields import plain
from sfumato.config.validation import nearest, show
from sfumato.editing.base import MASK
from sfumato.errors import InputError

if TYPE_CHECKING:
    import jax

    from sfumato.editing.base import Asked

DRAWN = ("half", "box")
_FORMS = "must be half, box, {{random: SHARE}} or {{file: PICTURE}}"  # filled in as a format


def _mask(value: object) -> object:
    match value:
        case "half" | "box":
            return value
        case {"random": share, **rest} if not rest:
            share = plain(share)
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
                raise ValueError(
                    "asks for a share of known pixels that must be greater than 0 and less than 1"
                )
            return {"random": float(share)}
        case {"file": str(path), **rest} if path and not rest:
            return {"file": path}
        case str():
            raise ValueError(f"{_FORMS}{nearest(value, (*DRAWN, 'random', 'file'))}")
    raise ValueError(_FORMS)


Mask = Annotated[Any, BeforeValidator(_mask)]
"""`half`: the upper half is known. `box`: all but a central box of half the side. `{random: p}`: a
share p of the pixels, drawn for each sample. `{file: mask.png}`: what is white in a picture."""


def drawn_mask(kind: str, image_shape: tuple[int, ...]) -> np.ndarray:
    """Return the mask (H, W, 1) called `half` or `box`; True is known."""
    height, width = image_shape[:2]
    mask = np.ones((height, width, 1), bool)
    if kind == "half":
        mask[height - height // 2 :] = False
    else:
        top, left = (height - height // 2) // 2, (width - width // 2) // 2
        mask[top : top + height // 2, left : left + width // 2] = False
    return mask


def random_masks(keys: jax.Array, share: float, image_shape: tuple[int, ...]) -> np.ndarray:
    """Draw a mask for each key (B,): each pixel is known with probability `share`."""
    import jax

    draw = jax.vmap(lambda key: jax.random.uniform(key, (*image_shape[:2], 1)))
    return np.asarray(draw(keys) < share)


def masks_of(mask: str | Mapping[str, Any], asked: Asked) -> np.ndarray:
    """Return the mask (B, H, W, 1) of each sample, True where it is known."""
    n = len(asked.indices)
    if (array := asked.arrays.get("mask")) is not None:
        masks = np.asarray(array, bool)
        return masks[np.array(asked.indices) if len(masks) > 1 else np.zeros(n, int)]
    if isinstance(mask, Mapping):
        keys = asked.keys(np.array(asked.indices), MASK)
        return random_masks(keys, mask["random"], asked.image_shape)
    return np.repeat(drawn_mask(mask, asked.image_shape)[None], n, axis=0)


def check_masks(name: str, mask: Any, image_shape: tuple[int, ...], n: int = 1) -> np.ndarray:
    """Return masks of images (H, W, C) as (1 or n, H, W, 1), True where something is known.

    Args:
        name: of the masks, for the message.
        mask: (H, W), (H, W, 1), (n, H, W) or (n, H, W, 1), of True and False or of two numbers, the
            larger for what is known.
        image_shape: (H, W, C).
        n: how many images there are.

    Raises:
        InputError: if it has another shape, holds other numbers, or knows nothing or everything.
    """
    array = np.asarray(mask)
    size = tuple(image_shape[:2])
    shapes = (size, (*size, 1), (n, *size), (n, *size, 1))
    if array.shape not in shapes:
        raise InputError(
            f"{name}: its shape {array.shape} must be that of an image without its channels, "
            f"{size}, or {(n, *size)} with one for each image"
        )
    if array.dtype != bool:
        low, values = (-1 if array.min(initial=0) < 0 else 0), np.unique(array)
        if not np.isin(values, (low, 1)).all():
            raise InputError(
                f"{name}: holds {show(float(values[0]))} to {show(float(values[-1]))}, and must "
                "hold 1 where a pixel is known, and 0 elsewhere"
            )
    known = (array > 0).reshape(-1, *size, 1)
    for i, each in enumerate(known):
        if each.all() or not each.any():
            what = "everything, so there is nothing to draw" if each.all() else "nothing"
            place = f" of image {i}" if len(known) > 1 else ""
            raise InputError(f"{name}: the mask{place} knows {what}; 1, white, is a known pixel")
    return known
