"""trajectory.gif: one chain from noise to image, animated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfumato.config.render import AnimationLook
from sfumato.figures.base import Figure, Looks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from matplotlib.figure import Figure as Drawing

    from sfumato.figures.saving import Animation
    from sfumato.figures.titles import Heading
    from sfumato.records.opening import Opened

LEAST_WIDTH, TIME, BASE = 2.0, 0.25, 0.08
"""Inches: width of the words above the image, height of the line with the time, and of its base."""


FIGURE = Figure(
    name="animation",
    settings=Looks[AnimationLook],
    file="trajectory.gif",
    inputs=("arrays",),
    files=("trajectory.npz",),
    arrays=(("frames", "frame_timesteps"),),
    after=("trajectory",),
    label="denoising, animated",
)


def draw(look: AnimationLook, trajectory: Opened) -> Animation:
    """Return the frames, each under its time.

    Each pixel becomes a square: the longer side has about twice the pixels of a panel.
    """
    from sfumato.figures.lettering import least_width
    from sfumato.figures.saving import Animation
    from sfumato.figures.titles import drawn_words, heading, made_words

    record, arrays = trajectory.record, trajectory.read()
    said = heading(
        look,
        f"sample 0 of {drawn_words(record)}",
        *made_words(record, arrays["frames"]),
    )
    n_frames, *sides, _ = arrays["frames"].shape
    scale = max(1, round(2 * look.panel_inches * look.dpi) // max(sides))
    least = max(LEAST_WIDTH, least_width(said, look.dpi))
    words = _Words(look, said, max(scale * sides[1], round(least * look.dpi)))
    frames = _frames(look, arrays, scale, words)
    return Animation(n_frames, words.width, words.height + scale * sides[0], frames)


def _frames(
    look: AnimationLook, arrays: Mapping[str, np.ndarray], scale: int, words: _Words
) -> Iterator[np.ndarray]:
    """Yield the frames: the state below its time."""
    import numpy as np

    from sfumato.figures.panels import time_label, to_rgb

    for frame, t in zip(arrays["frames"], arrays["frame_timesteps"], strict=True):
        image = to_rgb(frame, look.colormap).repeat(scale, 0).repeat(scale, 1)
        left = (words.width - image.shape[1]) // 2
        sides = (left, words.width - image.shape[1] - left)
        image = np.pad(image, ((0, 0), sides, (0, 0)), constant_values=255)
        yield np.concatenate([words.under(time_label(t)), image])


class _Words:
    """What stands above every image, in pixels: the heading, and a line with the time."""

    def __init__(self, look: AnimationLook, heading: Heading, width: int) -> None:
        from matplotlib.figure import Figure as Drawing

        from sfumato.figures.lettering import set_heading, write
        from sfumato.figures.style import MEDIUM

        blocks, top = set_heading(heading, look.dpi, width / look.dpi, even=False)
        pages = [Drawing((width / look.dpi, inches), dpi=look.dpi) for inches in (top, TIME)]
        write(pages[0], blocks)
        self._time = pages[1].text(0.5, BASE / TIME, "", fontsize=MEDIUM, ha="center")
        self._line, self._heading = pages[1], _pixels(pages[0])
        self.width, self.height = width, len(self._heading) + len(_pixels(self._line))

    def under(self, time: str) -> np.ndarray:
        """Return the colours (H, W, 3) with this time."""
        import numpy as np

        self._time.set_text(time)
        return np.concatenate([self._heading, _pixels(self._line)])


def _pixels(page: Drawing) -> np.ndarray:
    """Return the colours (H, W, 3) of a figure."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(page)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]
