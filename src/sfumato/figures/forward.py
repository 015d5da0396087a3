"""forward.png: one image, noised to several times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sfumato.config.render import PanelLook
from sfumato.figures.base import Figure, Looks

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from sfumato.records.opening import Opened

HEADING = r"Forward diffusion: $x_t=\sqrt{\bar\alpha_t}\,x_0+\sqrt{1-\bar\alpha_t}\,\epsilon$"


FIGURE = Figure(
    name="forward",
    settings=Looks[PanelLook],
    file="forward.png",
    inputs=("arrays",),
    files=("forward.npz",),
    arrays=(("x_0", "images", "timesteps", "alpha_bar"),),
    after=("forward",),
    label="forward diffusion",
)


def draw(look: PanelLook, forward: Opened) -> Drawing:
    """Draw x_0, and x_t under its time and alpha_bar_t, from one draw of noise."""
    from sfumato.figures.panels import image_rows, time_label

    arrays = forward.read()
    images = np.concatenate([arrays["x_0"][None], arrays["images"]])
    times = zip(arrays["timesteps"], arrays["alpha_bar"], strict=True)
    titles = [rf"{time_label(t)}" + "\n" + rf"$\bar\alpha_t$ = {a:.4g}" for t, a in times]
    return image_rows({"": images}, ["$x_0$", *titles], HEADING, look)
