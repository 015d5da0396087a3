"""Images side by side: each in its place, all on one fixed range."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from sfumato.config.render import RenderConfig
from sfumato.figures.panels import image_grid, image_rows, time_label, to_rgb

LOOK = RenderConfig(dpi=50, columns=3)
IMAGES = np.linspace(-1, 1, 5 * 8 * 8, dtype=np.float32).reshape(5, 8, 8, 1)


def test_range_is_fixed():
    grey = to_rgb(np.array([[[-1.0], [0.0], [1.0]]]), "gray")
    assert grey[0, :, 0].tolist() == [0, 128, 255]
    faint = to_rgb(np.array([[[-0.1], [0.1]]]), "gray")  # not stretched to its own range
    assert 110 < faint.min() and faint.max() < 145
    assert to_rgb(np.array([[[-3.0], [9.0]]]), "gray")[0, :, 0].tolist() == [0, 255]
    colour = to_rgb(np.array([[[-1.0, 0.0, 1.0]]]), "gray")
    assert colour[0, 0].tolist() == [0, 128, 255]
    assert to_rgb(np.zeros((1, 1, 2)), "viridis").shape == (1, 1, 3)


@pytest.mark.parametrize(("n_images", "shape"), [(1, (1, 1)), (2, (1, 2)), (5, (2, 3))])
def test_grid_shows_every_image_in_its_place(n_images, shape):
    """Each image is one grey: the greys of the panels' middles, in reading order."""
    greys = np.linspace(-0.8, 0.8, n_images)
    figure = image_grid(np.ones((n_images, 8, 8, 1)) * greys.reshape(-1, 1, 1, 1), "", LOOK)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., 0]
    assert len(figure.axes) == shape[0] * shape[1]
    for i, (axis, grey) in enumerate(zip(figure.axes, greys, strict=False)):
        box = axis.get_position()
        x, y = (box.x0 + box.x1) / 2 * drawn.shape[1], (1 - (box.y0 + box.y1) / 2) * len(drawn)
        assert drawn[int(y), int(x)] == pytest.approx((grey + 1) * 127.5, abs=1)
        assert axis.get_title() == str(i)
    assert sum(axis.axison for axis in figure.axes) == n_images


def test_rows():
    figure = image_rows({"a": IMAGES, "b": -IMAGES}, list("12345"), "two rows", LOOK)
    assert len(figure.axes) == 10 and figure.get_suptitle() == "two rows"
    assert [axis.get_title() for axis in figure.axes[:5]] == list("12345")
    assert figure.axes[5].get_ylabel() == "b"
    with pytest.raises(ValueError, match="zip"):
        image_rows({"a": IMAGES[:3]}, list("12345"), "too few", LOOK)


def test_time_labels():
    assert time_label(500) == "$t$ = 500" and time_label(-1) == "$x_0$"
