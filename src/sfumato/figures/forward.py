"""forward.png: one image, noised to several times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sfumato.config.render import PanelLook
from sfumato.figures.base import Figure, Looks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure as Drawing

    from sfumato.records.opening import Opened

EQUATION = r"$x_t=\alpha_t\,x_0+\sigma_t\,\epsilon$, $\bar\alpha_t=\alpha_t^2$"


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
    from sfumato.figures.titles import channel_words, heading, schedule_words

    arrays, settings = forward.read(), forward.record.settings
    images = np.concatenate([arrays["x_0"][None], arrays["images"]])
    times = zip(arrays["timesteps"], arrays["alpha_bar"], strict=True)
    titles = [rf"{time_label(t)}" + "\n" + rf"$\bar\alpha_t$ = {a:.4g}" for t, a in times]
    index, diffusion = settings.get("forward", {}).get("index"), settings.get("diffusion", {})
    image = "" if index is None else f" of test image {index}"
    said = heading(
        look,
        f"forward diffusion{image}",
        EQUATION,
        schedule_words(diffusion),
        _end_words(diffusion),
        channel_words(images),
    )
    return image_rows({"": images}, ["$x_0$", *titles], said, look)


def _end_words(diffusion: Mapping[str, Any]) -> str:
    """Say how much of the image is left at the last time, from which samplers start."""
    from sfumato.config.diffusion import MOST_LEFT, DiffusionConfig
    from sfumato.figures.titles import formula

    if not diffusion:
        return ""
    alphas, _ = DiffusionConfig.model_validate(diffusion).rates()
    left = float(alphas[-1] ** 2)
    words = rf"at the last time $\bar\alpha_t={formula(left)}$"
    return f"{words}, which is not pure noise" if left > MOST_LEFT else words
