"""Section `render`: how figures look. Nothing here can change a number."""

from typing import Literal

from pydantic import Field

from sfumato.config.fields import Real, Section, Whole


class RenderConfig(Section):
    """Look of the figures; a colour map is used for one-channel images only."""

    dpi: Whole = Field(default=150, ge=20, le=1200)
    panel_inches: Real = Field(default=1.4, ge=0.2, le=20)
    colormap: Literal["gray", "gray_r", "viridis", "magma", "inferno", "cividis"] = "gray"
    columns: Whole = Field(default=4, ge=1, le=100)
    max_panels: Whole = Field(default=64, ge=1, le=1000)
    frames_per_second: Whole = Field(default=12, ge=1, le=50)
