"""Every word of a figure can be read: inside it, beside the others, and on no image or bar."""

import numpy as np
import pytest
from conftest import slow
from figure_files import FILES, LOOK, draw, said, written

from sfumato.config.render import RenderConfig
from sfumato.figures.charts import log_ticks
from sfumato.figures.lettering import extent, wrapped

PICTURES = ("forward", "nearest", "samples", "told", "trajectory")
CHARTS = ("guidance", "likelihood", "quality", "sizes", "speed", "training")
LONG = RenderConfig(title="a" * 90 + "_and.so-on", dpi=50)
TINY = RenderConfig(panel_inches=0.2, dpi=50)


def boxes_of(artists):
    """Return the sides of artists in pixels, (N, 4)."""
    return np.array([artist.get_window_extent().extents for artist in artists]).reshape(-1, 4)


def overlaps(ours, theirs):
    """Tell which boxes share more than a pixel with which, (N, M)."""
    low = np.maximum(ours[:, None, :2], theirs[None, :, :2])
    high = np.minimum(ours[:, None, 2:], theirs[None, :, 2:])
    return ((high - low) > 1).all(axis=-1)


def check(drawing):
    """Check that nothing that is written is cut off, or on top of something else."""
    texts = written(drawing)
    names, boxes = [text.get_text() for text in texts], boxes_of(texts)
    width, height = drawing.bbox.width, drawing.bbox.height
    cut = (boxes[:, :2] < -1).any(1) | (boxes[:, 2] > width + 1) | (boxes[:, 3] > height + 1)
    assert not cut.any(), [name for name, is_cut in zip(names, cut, strict=True) if is_cut]
    for i, j in np.argwhere(np.triu(overlaps(boxes, boxes), 1)):
        raise AssertionError(f"{names[i]!r} is on top of {names[j]!r}")
    shown = [each for axes in drawing.axes for each in (*axes.images, *axes.patches)]
    for i, _ in np.argwhere(overlaps(boxes, boxes_of(shown))):
        raise AssertionError(f"{names[i]!r} is on an image or a bar")
    for axes in drawing.axes:
        inside, (_, _, right, top) = boxes_of(axes.texts), axes.get_window_extent().extents
        assert (inside[:, 2:] <= (right + 1, top + 1)).all(), "a label leaves its axes"
    legends = boxes_of(drawing.legends)
    assert not overlaps(legends, boxes_of(drawing.axes)).any()


@pytest.mark.parametrize("n", [1, 2, 5, 30])
@pytest.mark.parametrize("name", [*PICTURES, *CHARTS])
def test_nothing_is_cut_or_hidden(name, n, tmp_path):
    check(draw(name, FILES[name](tmp_path, n)))


@pytest.mark.parametrize(
    ("shape", "look"), [((2, 8, 1), LOOK), ((8, 2, 3), LOOK), ((1, 8, 1), TINY)]
)
@pytest.mark.parametrize("name", PICTURES)
def test_of_wide_and_of_tall_images(name, shape, look, tmp_path):
    check(draw(name, FILES[name](tmp_path, 3, shape=shape), look))


@pytest.mark.parametrize("look", [LONG, TINY])
@pytest.mark.parametrize("name", [*PICTURES, *CHARTS])
def test_under_a_long_name_and_in_small_panels(name, look, tmp_path):
    drawing = draw(name, FILES[name](tmp_path, 3), look)
    check(drawing)
    if look is LONG:
        assert said(drawing)[0].replace(" ", "").startswith(f"{look.title}:")


@pytest.mark.parametrize("name", ["training", *map(slow, (*PICTURES, "quality", "speed"))])
def test_a_thousand(name, tmp_path):
    check(draw(name, FILES[name](tmp_path, 1000)))


@pytest.mark.parametrize("name", PICTURES)
def test_a_figure_of_many_images_is_a_page_and_no_strip(name, tmp_path):
    """25 times were one strip 5,694 pixels wide."""
    for n in (10, 25, 100) if name not in ("nearest", "told") else (10,):
        look = LOOK.model_copy(update={"columns": 6, "max_panels": 100})
        width, height = draw(name, FILES[name](tmp_path, n), look).get_size_inches()
        assert width < 12 if n < 100 else width < 1.5 * height


def test_lines_are_as_wide_as_they_may_be():
    text = "one two three " + "x" * 60 + r" $a + b$"
    lines = wrapped(text, 10, 50, 1.5).split("\n")
    assert "".join(lines).replace(" ", "") == text.replace(" ", "") and "$a + b$" in lines[-1]
    assert all(extent(line, 10, 50)[0] <= 1.5 for line in lines) and lines[0] == "one two three"


def test_lines_are_of_about_one_length_and_no_word_is_broken_for_it():
    text = "one two three four five six seven"
    lines = wrapped(text, 10, 50, extent("one two three four five six", 10, 50)[0]).split("\n")
    assert len(lines) == 2 and min(map(len, lines)) > 10
    text = "short experiment_with_a_long_ and a tail of words"
    assert all(word in text.split() for word in wrapped(text, 10, 50, 2).split())
    assert wrapped(r"5\$ or 6\$ and 7\$", 10, 50, 9) == r"5\$ or 6\$ and 7\$"


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(9, 1100, [10, 20, 50, 100, 200, 500, 1000]), (6, 40, [7, 10, 20, 30]), (11.6, 12.1, [])],
)
def test_ticks_are_round_numbers(low, high, ticks):
    assert set(ticks) <= set(log_ticks(low, high)) and len(log_ticks(low, high)) <= 7
    assert len(log_ticks(1e-30, 1e30)) <= 7


def test_ticks_of_values_that_are_close_are_plain_numbers(tmp_path):
    """They were written 1.16 x 10^1, one over the other."""
    for n in (1, 2):
        labels = {
            text.get_text() for text in written(draw("quality", FILES["quality"](tmp_path, n)))
        }
        assert not [label for label in labels if "10^" in label]
