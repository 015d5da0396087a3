"""The range of images: [-1, 1], and not 0 .. 255."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfumato.errors import InputError

if TYPE_CHECKING:
    import jax

MOST = 10  # no image scaled to a mean of 0 comes near it


def check_range(name: str, images: jax.typing.ArrayLike) -> None:
    """Raise an InputError for images with levels from 0 up, such as 0 .. 255.

    Other values outside [-1, 1] pass, and so does what jax traces, which cannot be looked at.

    Args:
        name: of the images, for the message.
        images: of any shape.
    """
    if not isinstance(images, np.ndarray):
        from jax.core import Tracer

        from sfumato.compute.arguments import array

        if isinstance(images, Tracer):
            return
        images = array(name, images)
    values = np.asarray(images)
    if not np.issubdtype(values.dtype, np.number) and values.dtype != bool:
        return  # `floats` will say what that is
    low, high = (values.min(), values.max()) if values.size else (0, 0)
    if values.dtype.kind in "bu" or (low >= 0 and high > MOST):
        levels = f"0 to 255 make {name} / 127.5" if high > 1 else f"0 and 1 make 2.0 * {name}"
        raise InputError(
            f"{name}: its values, {values.dtype}, run from {1 * low:g} to {1 * high:g}, and "
            f"those of images must be in [-1, 1]; of levels {levels} - 1"
        )
