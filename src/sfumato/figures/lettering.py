"""Text that fits: measured before it is drawn, and broken into lines. Lengths are in inches."""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sfumato.figures.style import MEDIUM, SMALL
from sfumato.figures.titles import Heading

DARK = "#555555"
MARGIN = 0.08
_SIZES, _COLORS = (MEDIUM, SMALL), ("black", DARK)
_NARROWER = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55)
_WORD = re.compile(r"(?:\\\$|\$[^$]*\$|[^\s$])+")  # a formula is one word
_FORMULA = re.compile(r"(?<!\\)\$")  # begins one, where no backslash makes it a plain letter


class Block(NamedTuple):
    """Lines of text, and how far below the top of the figure they begin."""

    text: str
    size: int
    color: str
    top: float


@lru_cache(maxsize=10_000)
def extent(text: str, size: float, dpi: float) -> tuple[float, float]:
    """Return the width and height of a text."""
    if not text:
        return 0.0, 0.0
    figure = _paper(dpi)
    drawn = figure.text(0, 0, text, fontsize=size)
    box = drawn.get_window_extent()
    drawn.remove()
    return box.width / dpi, box.height / dpi


def widest(texts: Sequence[str], size: float, dpi: float) -> float:
    """Return the width of the widest of some texts."""
    return max((extent(text, size, dpi)[0] for text in texts), default=0.0)


def wrapped(text: str, size: float, dpi: float, width: float, even: bool = True) -> str:
    """Break a text into lines no wider than `width`, of about one length if `even`, or else full.

    A formula alone may be wider.
    """
    lines = _filled(text, size, dpi, width)
    if not even:
        return "\n".join(lines)
    words = (extent(word, size, dpi)[0] for word in _WORD.findall(text))
    least = max((word for word in words if word <= width), default=width)  # or it would be broken
    narrower = (_filled(text, size, dpi, max(width * share, least)) for share in _NARROWER)
    while len(lines) > 1 and len(found := next(narrower, [])) == len(lines):
        lines = found
    return "\n".join(lines)


def _filled(text: str, size: float, dpi: float, width: float) -> list[str]:
    """Break a text into lines, each as full as it can be."""
    lines: list[str] = []
    for word in _WORD.findall(text):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and extent(longer, size, dpi)[0] <= width:
            lines[-1] = longer
        else:
            lines += _broken(word, size, dpi, width)
    return lines


def least_width(heading: Heading, dpi: float) -> float:
    """Return the least width of a figure with this heading: that of its widest formula."""
    formulas = [
        extent(word, size, dpi)[0]
        for text, size in zip(heading, _SIZES, strict=True)
        for word in _WORD.findall(text)
        if _FORMULA.search(word)
    ]
    return max(formulas, default=0.0) + 2 * MARGIN


def set_heading(
    heading: Heading, dpi: float, width: float, even: bool = True
) -> tuple[list[Block], float]:
    """Break a heading into lines of a figure of this width, and return them and their height."""
    blocks, top = [], MARGIN
    for text, size, color in zip(heading, _SIZES, _COLORS, strict=True):
        if text:
            lines = wrapped(text, size, dpi, width - 2 * MARGIN, even)
            blocks.append(Block(lines, size, color, top))
            top += extent(lines, size, dpi)[1] + MARGIN
    return blocks, top


def write(figure: Figure, blocks: list[Block]) -> None:
    """Write lines of text, in the middle of a figure."""
    height = figure.get_size_inches()[1]
    for text, size, color, top in blocks:
        y = 1 - top / height
        figure.text(0.5, y, text, fontsize=size, color=color, ha="center", va="top")


def _broken(word: str, size: float, dpi: float, width: float) -> list[str]:
    """Break a word that is wider than a line, as the name of an experiment may be."""
    inches = extent(word, size, dpi)[0]
    if inches <= width or _FORMULA.search(word) or len(word) == 1:
        return [word]
    fits = max(1, int(len(word) * width / inches))
    while fits > 1 and extent(word[:fits], size, dpi)[0] > width:
        fits -= 1
    return [word[:fits], *_broken(word[fits:], size, dpi, width)]


@cache
def _paper(dpi: float) -> Figure:
    """Return a figure to measure on."""
    figure = Figure((1, 1), dpi=dpi)
    FigureCanvasAgg(figure)
    return figure
