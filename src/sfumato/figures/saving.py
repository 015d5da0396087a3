"""Figures and animations on disk, each with its provenance inside; equal drawings, equal bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from sfumato.config.render import AnimationLook, ChartLook
from sfumato.errors import InputError
from sfumato.figures.style import own_style
from sfumato.records.arrays import PROVENANCE, write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PIXELS_A_SIDE, MOST_PIXELS = 2**16, 10**9
"""What Agg, which draws the figures, can draw, and what fits into memory."""


def save(
    path: Path, drawing: Figure | np.ndarray, look: ChartLook, provenance: Mapping[str, Any]
) -> None:
    """Write what a figure's `draw` returned for this `look`: a PNG, or a GIF of many frames."""
    from matplotlib.figure import Figure

    with own_style():
        if isinstance(drawing, Figure):
            save_figure(path, drawing, look, provenance)
        else:
            assert isinstance(look, AnimationLook)
            save_animation(path, drawing, look, provenance)


def save_figure(path: Path, figure: Figure, look: ChartLook, provenance: Mapping[str, Any]) -> None:
    """Write a PNG that carries its provenance as a text chunk.

    Raises:
        InputError: if it would have more pixels than can be drawn.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    _check_size(path, *figure.get_size_inches() * look.dpi)
    metadata = {PROVENANCE: json.dumps(provenance, sort_keys=True)}
    write_whole(path, lambda part: figure.savefig(part, dpi=look.dpi, metadata=metadata))


def save_animation(
    path: Path, colours: np.ndarray, look: AnimationLook, provenance: Mapping[str, Any]
) -> None:
    """Write a GIF of 8-bit colours (F, H, W, 3) that holds its last frame for a second.

    Each pixel becomes a square: the longer side has about twice the pixels of a panel.

    Raises:
        InputError: if it would have more pixels than fit into memory.
    """
    side = round(2 * look.panel_inches * look.dpi)
    n_frames, height, width, _ = colours.shape
    scale = max(1, side // max(height, width))
    _check_size(path, scale * width, scale * height, n_frames)
    frames = [Image.fromarray(frame.repeat(scale, 0).repeat(scale, 1)) for frame in colours]
    duration = round(1000 / look.frames_per_second)
    write_whole(
        path,
        lambda part: frames[0].save(
            part,
            save_all=True,
            append_images=frames[1:],
            duration=[duration] * (n_frames - 1) + [1000],
            loop=0,
            comment=json.dumps(provenance, sort_keys=True).encode(),
        ),
    )


def _check_size(path: Path, width: float, height: float, frames: int = 1) -> None:
    if max(height, width) >= MOST_PIXELS_A_SIDE or width * height * frames > MOST_PIXELS:
        raise InputError(
            f"{path.name}: {frames} x {width:.0f} x {height:.0f} pixels are too many; lower "
            "render.dpi, render.panel_inches, render.max_panels or the number of panels or frames"
        )
