"""{name}_samples.png: a grid of the samples that an entry of `samples` draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfumato.config.render import GridLook
from sfumato.figures.base import Figure, Looks

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from sfumato.records.opening import Opened


FIGURE = Figure(
    name="samples",
    settings=Looks[GridLook],
    file="{name}_samples.png",
    inputs=("arrays",),
    files=("{name}_samples.npz",),
    arrays=(("images", "timesteps"),),
    after=("sample",),
    label="{name} samples",
)


def draw(look: GridLook, samples: Opened) -> Drawing:
    """Draw the first `look.max_panels` samples, each under its index."""
    from sfumato.figures.panels import image_grid
    from sfumato.figures.titles import (
        chain_words,
        channel_words,
        diffusion_words,
        heading,
        network_words,
    )

    (entry,) = samples.record.settings["samples"].values()
    n_samples, steps = samples.arrays["images"].shape[0], samples.arrays["timesteps"].shape[0]
    images = samples.read(look.max_panels)["images"]
    said = heading(
        look,
        chain_words(entry, steps),
        network_words(samples.record),
        diffusion_words(samples.record),
        channel_words(images),
        f"the first {len(images)} of {n_samples} samples" if len(images) < n_samples else "",
    )
    return image_grid(images, said, look)
