"""Figures and animations on disk, each with its provenance inside; equal drawings, equal bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import MAX_TEXT_CHUNK, PngInfo

from sfumato.config.paths import shown
from sfumato.config.render import AnimationLook, ChartLook
from sfumato.errors import InputError
from sfumato.figures.style import own_style
from sfumato.records.arrays import PROVENANCE
from sfumato.records.outputs import file_aside

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PIXELS_A_SIDE, MOST_PIXELS = 2**16, 10**9
"""What Agg, which draws the figures, can draw, and what fits into memory."""


class Animation(NamedTuple):
    """Frames that are drawn while they are written.

    Attributes:
        n_frames: how many there are.
        width: of each, in pixels.
        height: of each, in pixels.
        frames: their 8-bit colours (H, W, 3).
    """

    n_frames: int
    width: int
    height: int
    frames: Iterable[np.ndarray]


def save(
    path: Path, drawing: Figure | Animation, look: ChartLook, provenance: Mapping[str, Any]
) -> None:
    """Write what a figure's `draw` returned for this `look`: a PNG, or a GIF of many frames."""
    from matplotlib.figure import Figure

    with own_style():
        if isinstance(drawing, Figure):
            save_figure(path, drawing, look, provenance)
        elif isinstance(look, AnimationLook):
            save_animation(path, drawing, look, provenance)
        else:
            found = "nothing" if drawing is None else type(drawing).__name__
            raise InputError(f"{shown(path)}: draw returned {found}, and must return a figure")


def save_figure(
    path: str | Path, figure: Figure, look: ChartLook, provenance: Mapping[str, Any]
) -> None:
    """Write a PNG that carries its provenance as a text chunk, compressed.

    A text that Pillow would take for an attack once it is decompressed stays as it is.

    Raises:
        InputError: if it would have more pixels than can be drawn.
    """
    path = Path(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    _check_size(path, *figure.get_size_inches() * look.dpi)
    text, info = json.dumps(provenance, sort_keys=True), PngInfo()
    info.add_text(PROVENANCE, text, zip=len(text) <= MAX_TEXT_CHUNK)
    inside = {"pnginfo": info}
    with file_aside(path) as part:
        figure.savefig(part, dpi=look.dpi, pil_kwargs=inside)


def save_animation(
    path: str | Path, drawn: Animation, look: AnimationLook, provenance: Mapping[str, Any]
) -> None:
    """Write a GIF that holds its last frame for a second.

    Raises:
        InputError: if it would have more pixels than fit into memory.
    """
    path = Path(path)
    _check_size(path, drawn.width, drawn.height, drawn.n_frames)
    first, *others = map(Image.fromarray, drawn.frames)
    duration = round(1000 / look.frames_per_second)
    with file_aside(path) as part:
        first.save(
            part,
            save_all=True,
            append_images=others,
            duration=[duration] * len(others) + [1000],
            loop=0,
            comment=json.dumps(provenance, sort_keys=True).encode(),
        )


def _check_size(path: Path, width: float, height: float, frames: int = 1) -> None:
    if max(height, width) >= MOST_PIXELS_A_SIDE or width * height * frames > MOST_PIXELS:
        raise InputError(
            f"{path.name}: {frames} x {width:.0f} x {height:.0f} pixels are too many; lower "
            "render.dpi, render.panel_inches, render.max_panels or the number of panels or frames"
        )
