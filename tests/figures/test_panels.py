"""Images side by side: each in its place, all on one fixed range."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from sfumato.config.render import RenderConfig
from sfumato.figures.panels import image_grid, image_rows, time_label, to_rgb
from sfumato.figures.titles import Heading

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
    images = np.ones((n_images, 8, 8, 1)) * greys.reshape(-1, 1, 1, 1)
    figure = image_grid(images, Heading(""), LOOK)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn, (axes,) = np.asarray(canvas.buffer_rgba())[..., 0], figure.axes
    boxes = [image.get_window_extent() for image in axes.images]
    middles = [((box.x0 + box.x1) / 2, len(drawn) - (box.y0 + box.y1) / 2) for box in boxes]
    assert len(boxes) == n_images and middles == sorted(middles, key=lambda m: (round(m[1]), m[0]))
    assert len({round(x) for x, _ in middles}) == shape[1]
    assert len({round(y) for _, y in middles}) == shape[0]
    for (x, y), grey in zip(middles, greys, strict=True):
        assert drawn[int(y), int(x)] == pytest.approx((grey + 1) * 127.5, abs=1)
    assert [text.get_text() for text in axes.texts] == [str(i) for i in range(n_images)]


def test_pixels_are_square_and_of_one_size():
    look = RenderConfig(dpi=150, panel_inches=28 / 15)  # ten pixels for each of the image's
    rng = np.random.default_rng(0)
    images = np.sign(rng.normal(size=(2, 28, 28, 1)))
    figure = image_grid(images, Heading("a title"), look)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., 0]
    for image, shown in zip(images, figure.axes[0].images, strict=True):
        x0, y0, x1, y1 = np.round(shown.get_window_extent().extents).astype(int)
        block = drawn[len(drawn) - y1 : len(drawn) - y0, x0:x1]
        assert np.array_equal(block, to_rgb(image, "gray")[..., 0].repeat(10, 0).repeat(10, 1))


def test_rows():
    figure = image_rows({"a": IMAGES, "b": -IMAGES}, list("12345"), Heading("two rows"), LOOK)
    (axes,) = figure.axes
    assert len(axes.images) == 10 and [text.get_text() for text in figure.texts] == ["two rows"]
    assert {text.get_text() for text in axes.texts} == {*"12345", "a", "b"}
    assert not axes.patches
    pointed = image_rows({"": IMAGES}, list("12345"), Heading(""), LOOK, ends=("noise", "image"))
    assert {"noise", "image"} < {text.get_text() for text in pointed.axes[0].texts}
    ragged = image_rows({"a": IMAGES, "b": IMAGES[:2]}, list("12345"), Heading(""), LOOK)
    assert len(ragged.axes[0].images) == 7
    with pytest.raises(ValueError, match="5 titles"):
        image_rows({"a": IMAGES[:3]}, list("12345"), Heading("too few"), LOOK)


def test_time_labels():
    assert time_label(500) == "$t$ = 500" and time_label(-1) == "$x_0$"
