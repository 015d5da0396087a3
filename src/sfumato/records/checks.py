"""What no file of arrays may hold: NaN and infinities; and blank images, which are said."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from sfumato.errors import InputError

GREY_LEVEL = 2 / 255  # of an 8-bit picture of values in [-1, 1]
_LOOK = "look at the schedule (diffusion.*) and at the checkpoint's weights"
_LOG = logging.getLogger("sfumato")


def check_finite(name: str, array: np.ndarray) -> None:
    """Raise an InputError if an array holds NaN or infinities."""
    finite = np.isfinite(array)
    if not finite.all():
        raise InputError(
            f"{name}: {1 - finite.mean():.1%} of the values are NaN or infinite; nothing was "
            "written. Look at the schedule (diffusion.*), at clip, and at the checkpoint's weights"
        )


def check_images(
    name: str, images: np.ndarray, record: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Check images (N, H, W, C) as `checked` does."""
    for _ in checked(name, [images], record=record):
        pass


def checked(
    name: str,
    blocks: Iterable[np.ndarray],
    first: int = 0,
    total: int | None = None,
    record: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[np.ndarray]:
    """Pass on blocks (N, H, W, C) of a set of images; of blank ones one log line says how many.

    A network that was trained may have learnt from blank pictures, and then draws them: only who
    knows the data can tell whether something is broken. Any other network is, if it draws nothing
    else.

    Args:
        name: what they are.
        blocks: the images, in order.
        first: the index of the first of them, in a shard.
        total: how many images the set has, where `blocks` may be a shard of it; a shard may be
            blank altogether.
        record: what makes them, in plain values; it says whether a network was trained.

    Raises:
        InputError: if one holds NaN or infinities, or, after the last block, if every image of the
            set is blank and no network was trained.
    """
    count, blank, value = 0, [], 0.0
    for block in blocks:
        check_finite(name, block)
        pixels = block.reshape(len(block), -1)
        found = np.flatnonzero(np.ptp(pixels, axis=1) < GREY_LEVEL) if pixels.shape[1] > 1 else []
        value = float(pixels[found[0], 0]) if len(found) and not blank else value
        blank += [first + count + int(i) for i in found]
        count += len(block)
        yield block
    if blank and len(blank) == (total or count):
        said = f"{name}: every image is blank, image {blank[0]} about {value:.3g} everywhere"
        if not _trained(record):
            raise InputError(f"{said}; nothing was written; {_LOOK}")
        _LOG.warning("%s; if the network did not learn from blank pictures, %s", said, _LOOK)
    elif blank:
        _LOG.warning(
            "%s: %d of %d images are blank, image %d the first", name, len(blank), count, blank[0]
        )


def _trained(record: Mapping[str, Any]) -> bool:
    """Tell whether a record, or that of anything before it, is of a training."""
    if record.get("script") == "train.py" or "training" in record.get("settings", {}):
        return True
    return any(_trained(origin["provenance"]) for origin in record.get("inputs", {}).values())
