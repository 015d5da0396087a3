"""Images side by side: in rows, or in a grid."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from sfumato.config.render import GridLook, PanelLook
from sfumato.figures.style import MEDIUM, SMALL

HEADING_INCHES, LINE_INCHES, GAP_INCHES = 0.35, 0.16, 0.06


def image_rows(
    rows: Mapping[str, np.ndarray], titles: Sequence[str], heading: str, look: PanelLook
) -> Figure:
    """Draw rows of images (N, H, W, C), named at the left, with a title above each column."""
    lines = max(title.count("\n") + 1 for title in titles)
    images = next(iter(rows.values()))
    figure, axes = _axes(len(rows), len(titles), images, look, lines / len(rows))
    figure.suptitle(heading, fontsize=MEDIUM, wrap=True)
    for row, (name, images) in zip(axes, rows.items(), strict=True):
        for axis, image in zip(row, images, strict=True):
            draw_image(axis, image, look)
        if name:
            row[0].set_ylabel(name, fontsize=SMALL)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=SMALL)
    return figure


def image_grid(images: np.ndarray, heading: str, look: GridLook) -> Figure:
    """Draw images (N, H, W, C) in a grid of `look.columns`, each under its index."""
    columns = min(look.columns, len(images))
    rows = -(-len(images) // columns)
    figure, axes = _axes(rows, columns, images, look, lines=1)
    figure.suptitle(heading, fontsize=MEDIUM, wrap=True)
    for i, axis in enumerate(axes.flat):
        if i < len(images):
            draw_image(axis, images[i], look)
            axis.set_title(str(i), fontsize=SMALL)
        else:
            axis.set_axis_off()
    return figure


def draw_image(axis: Axes, image: np.ndarray, look: PanelLook) -> None:
    """Show one image (H, W, C) on the fixed range [-1, 1], never its own."""
    axis.imshow(to_rgb(image, look.colormap), interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set_visible(False)


def to_rgb(image: np.ndarray, colormap: str) -> np.ndarray:
    """Turn values in [-1, 1], (H, W, C), into 8-bit colours (H, W, 3).

    Three channels are red, green and blue; otherwise the first is coloured by the map.
    """
    share = (image.clip(-1, 1) + 1) / 2
    if image.shape[-1] != 3:
        share = colormaps[colormap](share[..., 0])[..., :3]
    return np.round(255 * share).astype(np.uint8)


def time_label(t: int) -> str:
    """Name a time: `t = 500`, or `x_0` for the data."""
    return "$x_0$" if t < 0 else f"$t$ = {t}"


def _axes(
    rows: int, columns: int, images: np.ndarray, look: PanelLook, lines: float
) -> tuple[Figure, np.ndarray]:
    """Make axes of the shape of the images, with `lines` of text above each row."""
    width = look.panel_inches
    height = width * images.shape[1] / images.shape[2] + lines * LINE_INCHES
    size = (columns * (width + GAP_INCHES), rows * (height + GAP_INCHES) + HEADING_INCHES)
    pad = GAP_INCHES / 2
    layout = ConstrainedLayoutEngine(w_pad=pad, h_pad=pad, hspace=0, wspace=0)
    figure = Figure(figsize=size, layout=layout)
    return figure, figure.subplots(rows, columns, squeeze=False)
