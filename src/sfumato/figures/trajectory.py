"""trajectory.png: states of one chain, and the prediction of x_0 from each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfumato.config.render import PanelLook
from sfumato.figures.base import Figure, Looks

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from sfumato.records.opening import Opened


FIGURE = Figure(
    name="trajectory",
    settings=Looks[PanelLook],
    file="trajectory.png",
    inputs=("arrays",),
    files=("trajectory.npz",),
    arrays=(("images", "predicted_x_0", "timesteps"),),
    after=("trajectory",),
    label="denoising trajectory",
)


def draw(look: PanelLook, trajectory: Opened) -> Drawing:
    """Draw x_t, from pure noise to the finished image, above the x_0 predicted from it."""
    from sfumato.figures.panels import image_rows, time_label
    from sfumato.figures.titles import drawn_words, heading, made_words

    arrays = trajectory.read()
    rows = {"$x_t$": arrays["images"], r"predicted $x_0$": arrays["predicted_x_0"]}
    titles = [time_label(t) for t in arrays["timesteps"]]
    said = heading(
        look,
        f"sample 0 of {drawn_words(trajectory.record)}",
        *made_words(trajectory.record, arrays["images"]),
    )
    return image_rows(rows, titles, said, look, ends=("noise", "image"))
