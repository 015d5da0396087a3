"""Images side by side: in rows under their titles, or in a grid. Lengths are in inches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sfumato.config.render import GridLook, PanelLook
from sfumato.figures.lettering import DARK, extent, least_width, set_heading, widest, write
from sfumato.figures.style import SMALL
from sfumato.figures.titles import Heading

GAP, ARROW, LEAST_WIDTH = 0.06, 0.2, 3.0
FEW_COLUMNS = 6
"""Columns that are readable side by side on a page; more images are more rows, before a figure
grows wider than that."""


def image_rows(
    rows: Mapping[str, np.ndarray],
    titles: Sequence[str],
    heading: Heading,
    look: PanelLook,
    ends: tuple[str, str] | None = None,
    remarks: Sequence[str] = (),
) -> Figure:
    """Draw rows of images (N, H, W, C), named at the left, with a title above each column.

    Many columns are broken into bands, one below the other. A row may be shorter than the others.

    Args:
        rows: the images by the name of their row.
        titles: of the columns.
        heading: of the figure.
        look: how it looks.
        ends: what an arrow above the columns leads from, and to.
        remarks: for each row what is said at its right end.
    """
    n = len(titles)
    if max(map(len, rows.values())) != n:
        raise ValueError(f"{n} titles, and the longest row has another number of images")
    most = max(FEW_COLUMNS, ceil((len(rows) * n) ** 0.5))
    columns = ceil(n / ceil(n / most))  # bands of about one length
    ends = ends if n > 1 else None
    return _Panels(rows, titles, heading, look, columns, ends, remarks).draw()


def image_grid(images: np.ndarray, heading: Heading, look: GridLook) -> Figure:
    """Draw images (N, H, W, C) in a grid of `look.columns`, each under its index."""
    titles = [str(i) for i in range(len(images))]
    return _Panels({"": images}, titles, heading, look, min(look.columns, len(images))).draw()


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


@dataclass(frozen=True, eq=False)
class _Panels:
    """A figure of images, and where everything in it is: in whole pixels, from the top left.

    A band is a line of titles and the rows of images below it.
    """

    rows: Mapping[str, np.ndarray]
    titles: Sequence[str]
    heading: Heading
    look: PanelLook
    columns: int
    ends: tuple[str, str] | None = None
    remarks: Sequence[str] = ()

    def draw(self) -> Figure:
        """Draw it on one pair of axes, whose units are inches."""
        blocks, top = set_heading(self.heading, self.look.dpi, self.width)
        top, bands = self._snap(top), ceil(len(self.titles) / self.columns)
        size = self.width, top + bands * self.band + self._snap(GAP)
        figure = Figure(size, dpi=self.look.dpi)
        write(figure, blocks)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, size[0]), ylim=(size[1], 0))
        axes.set_axis_off()
        for first in range(0, len(self.titles), self.columns):
            self._draw_band(axes, first, top + first // self.columns * self.band)
        return figure

    @cached_property
    def image(self) -> tuple[float, float]:
        """Width and height of an image."""
        _, height, width, _ = next(iter(self.rows.values())).shape
        inches = self.look.panel_inches
        return self._snap(inches), self._snap(inches * height / width)

    @cached_property
    def cell(self) -> float:
        """Width of a column, with the gap to the next."""
        return self._snap(max(self.image[0], widest(self.titles, SMALL, self.look.dpi)) + GAP)

    @cached_property
    def row(self) -> float:
        """Height of a row, with the gap to the next."""
        texts = (*self.rows, *self.remarks)
        named = (extent(text, SMALL, self.look.dpi)[1] for text in texts)
        return self._snap(max(self.image[1], *named) + GAP)

    @cached_property
    def above(self) -> float:
        """Height of what a band has above its images."""
        titled = max(extent(title, SMALL, self.look.dpi)[1] for title in self.titles)
        return self._snap(titled + GAP + (ARROW if self.ends else 0))

    @property
    def band(self) -> float:
        """Height of a band."""
        return self.above + len(self.rows) * self.row

    @cached_property
    def beside(self) -> float:
        """Width of the names of the rows."""
        named = widest([*self.rows], SMALL, self.look.dpi)
        return self._snap(named + 2 * GAP if named else GAP / 2)

    @cached_property
    def inside(self) -> float:
        """Width of the rows, with what is said at their ends."""
        said = widest(self.remarks, SMALL, self.look.dpi)
        after = self._snap(said + GAP) if said else 0
        return self.beside + self.columns * self.cell + after + GAP / 2

    @cached_property
    def width(self) -> float:
        """Width of the figure."""
        inside = self.inside
        return self._snap(max(inside, LEAST_WIDTH, least_width(self.heading, self.look.dpi)))

    def _draw_band(self, axes: Axes, first: int, top: float) -> None:
        """Draw the columns from `first` on."""
        last = min(first + self.columns, len(self.titles))
        left = self._snap((self.width - self.inside) / 2) + self.beside
        images_top = top + self.above
        for column, title in enumerate(self.titles[first:last]):
            middle = left + (column + 0.5) * self.cell
            _write(axes, middle, images_top - GAP / 2, title, "center", "bottom")
        for r, (name, images) in enumerate(self.rows.items()):
            y = images_top + r * self.row
            _write(axes, left - GAP, y + (self.row - GAP) / 2, name, "right", "center")
            for column, image in enumerate(images[first:last]):
                self._show(axes, image, left + column * self.cell, y)
            if self.remarks:
                end = left + (last - first) * self.cell
                _write(axes, end, y + (self.row - GAP) / 2, self.remarks[r], "left", "center")
        if self.ends:
            right = left + (last - first) * self.cell
            self._point(axes, (left, right), top, first == 0, last == len(self.titles))

    def _show(self, axes: Axes, image: np.ndarray, left: float, top: float) -> None:
        """Show one image (H, W, C) on the fixed range [-1, 1], never its own."""
        width, height = self.image
        left += self._snap((self.cell - width) / 2)
        top += self._snap((self.row - GAP - height) / 2)
        extent = (left, left + width, top + height, top)
        colours = to_rgb(image, self.look.colormap)
        axes.imshow(colours, extent=extent, interpolation="nearest", aspect="auto")

    def _point(
        self, axes: Axes, sides: tuple[float, float], top: float, first: bool, last: bool
    ) -> None:
        """Draw an arrow above a band, with the word for its start or its end where that is."""
        assert self.ends
        (left, right), y = sides, top + ARROW / 2
        if first:
            _write(axes, left, y, self.ends[0], "left", "center")
            left += extent(self.ends[0], SMALL, self.look.dpi)[0] + GAP
        if last:
            _write(axes, right, y, self.ends[1], "right", "center")
            right -= extent(self.ends[1], SMALL, self.look.dpi)[0] + GAP
        style = {"arrowstyle": "->", "color": DARK, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (right, y), (left, y), arrowprops=style)

    def _snap(self, inches: float) -> float:
        """Round a length to whole pixels."""
        return round(inches * self.look.dpi) / self.look.dpi


def _write(axes: Axes, x: float, y: float, text: str, ha: str, va: str) -> None:
    if text:
        axes.text(x, y, text, fontsize=SMALL, ha=ha, va=va)
