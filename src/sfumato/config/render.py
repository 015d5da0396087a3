"""Section `render`: how figures look. Nothing here can change a number.

The section has parts, so that a figure declares which of the looks it reads.
"""

from typing import Literal

from pydantic import Field

from sfumato.config.fields import Name, Real, Section, Whole


class ChartLook(Section):
    """What every figure reads."""

    title: Name | None = None
    """What the figures call the experiment; null for its own name."""
    dpi: Whole = Field(default=150, ge=20, le=1200)
    """Dots per inch."""


class PanelLook(ChartLook):
    """What a figure with images reads."""

    panel_inches: Real = Field(default=1.4, ge=0.2, le=20)
    """Width of one image in the figure."""
    colormap: Literal["gray", "gray_r", "viridis", "magma", "inferno", "cividis"] = "gray"
    """Of one-channel images; images with three channels are shown in their own colours."""


class RowLook(PanelLook):
    """What a figure with rows of samples reads."""

    columns: Whole = Field(default=4, ge=1, le=100)
    """Columns of the grid; samples in a row of a sweep."""


class GridLook(RowLook):
    """What a grid of samples reads."""

    max_panels: Whole = Field(default=64, ge=1, le=1000)
    """How many images it shows at most."""


class AnimationLook(PanelLook):
    """What an animation reads."""

    frames_per_second: Whole = Field(default=12, ge=1, le=50)
    """Its speed; GIF counts in hundredths of a second, and rounds."""


class RenderConfig(GridLook, AnimationLook):
    """The whole section."""
