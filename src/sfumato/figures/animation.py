"""trajectory.gif: one chain from noise to image, animated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfumato.config.render import AnimationLook
from sfumato.figures.base import Figure, Looks

if TYPE_CHECKING:
    import numpy as np

    from sfumato.records.opening import Opened


FIGURE = Figure(
    name="animation",
    settings=Looks[AnimationLook],
    file="trajectory.gif",
    inputs=("arrays",),
    files=("trajectory.npz",),
    arrays=(("frames",),),
    after=("trajectory",),
    label="denoising, animated",
)


def draw(look: AnimationLook, trajectory: Opened) -> np.ndarray:
    """Return the 8-bit colours (F, H, W, 3) of the frames."""
    from sfumato.figures.panels import to_rgb

    return to_rgb(trajectory.read()["frames"], look.colormap)
