"""Figures: what is drawn, on which range, and the same bytes each time."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from sfumato.config.render import RenderConfig
from sfumato.errors import InputError
from sfumato.figures.plotting import (
    image_grid,
    image_rows,
    save_animation,
    save_figure,
    speed_bars,
    time_label,
    to_rgb,
)
from sfumato.sampling.timing import Timing, compare

CONFIG = RenderConfig(dpi=50)
IMAGES = np.linspace(-1, 1, 5 * 8 * 8, dtype=np.float32).reshape(5, 8, 8, 1)


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"))


def test_range_is_fixed():
    grey = to_rgb(np.array([[[-1.0], [0.0], [1.0]]]), "gray")
    assert grey[0, :, 0].tolist() == [0, 128, 255]
    faint = to_rgb(np.array([[[-0.1], [0.1]]]), "gray")  # not stretched to its own range
    assert 110 < faint.min() and faint.max() < 145
    assert to_rgb(np.array([[[-3.0], [9.0]]]), "gray")[0, :, 0].tolist() == [0, 255]
    colour = to_rgb(np.array([[[-1.0, 0.0, 1.0]]]), "gray")
    assert colour[0, 0].tolist() == [0, 128, 255]
    assert to_rgb(np.zeros((1, 1, 2)), "viridis").shape == (1, 1, 3)


def test_a_figure_carries_its_provenance_and_has_the_same_bytes(tmp_path):
    contents = []
    for name in ("a.png", "b.png"):
        figure = image_grid(IMAGES, "five", CONFIG)
        save_figure(tmp_path / name, figure, CONFIG, {"seed": 3, "who": "Zoë"})
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    text = Image.open(tmp_path / "a.png").text  # type: ignore[attr-defined]
    assert json.loads(text["provenance"]) == {"seed": 3, "who": "Zoë"}
    assert not {key for key in text if "time" in key.lower() or "date" in key.lower()}


@pytest.mark.parametrize("change", [{"dpi": 60}, {"panel_inches": 2.0}, {"columns": 2}])
def test_looks_change_the_size(tmp_path, change):
    for name, config in (("a", CONFIG), ("b", CONFIG.model_copy(update=change))):
        save_figure(tmp_path / f"{name}.png", image_grid(IMAGES, "", config), config, {})
    assert pixels(tmp_path / "a.png").shape != pixels(tmp_path / "b.png").shape


def test_grid_shows_every_image_in_its_place(tmp_path):
    """Images of five greys: the greys of the panels' middles, in reading order."""
    greys = np.linspace(-0.8, 0.8, 5)
    images = np.ones((5, 8, 8, 1)) * greys.reshape(5, 1, 1, 1)
    config = CONFIG.model_copy(update={"columns": 3})
    figure = image_grid(images, "", config)
    save_figure(tmp_path / "a.png", figure, config, {})
    drawn = pixels(tmp_path / "a.png")[..., 0]
    height = drawn.shape[0]
    for axis, grey in zip(figure.axes, greys, strict=False):
        box = axis.get_position()
        x, y = (box.x0 + box.x1) / 2 * drawn.shape[1], (1 - (box.y0 + box.y1) / 2) * height
        assert drawn[int(y), int(x)] == pytest.approx((grey + 1) * 127.5, abs=1)
    assert not figure.axes[5].axison


def test_a_grid_shows_no_more_than_it_may():
    figure = image_grid(IMAGES, "many", CONFIG.model_copy(update={"max_panels": 3}))
    assert sum(axis.axison for axis in figure.axes) == 3
    assert figure.get_suptitle() == "many, the first 3 of 5 samples"


def test_a_figure_too_large_to_draw(tmp_path):
    config = CONFIG.model_copy(update={"dpi": 1200, "panel_inches": 20.0, "columns": 5})
    with pytest.raises(InputError, match="lower render.dpi"):
        save_figure(tmp_path / "a.png", image_grid(IMAGES, "", config), config, {})


def test_rows(tmp_path):
    figure = image_rows({"a": IMAGES, "b": -IMAGES}, list("12345"), "two rows", CONFIG)
    save_figure(tmp_path / "a.png", figure, CONFIG, {})
    assert len(figure.axes) == 10
    assert [axis.get_title() for axis in figure.axes[:5]] == list("12345")
    assert figure.axes[5].get_ylabel() == "b"
    with pytest.raises(ValueError, match="zip"):
        image_rows({"a": IMAGES[:3]}, list("12345"), "too few", CONFIG)


def test_animation(tmp_path):
    for name in ("a.gif", "b.gif"):
        save_animation(tmp_path / name, IMAGES, CONFIG, {"seed": 3})
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    with Image.open(tmp_path / "a.gif") as animation:
        assert animation.n_frames == 5  # type: ignore[attr-defined]
        assert json.loads(animation.info["comment"]) == {"seed": 3}
        assert animation.info["duration"] == pytest.approx(1000 / CONFIG.frames_per_second, abs=10)
        animation.seek(4)
        assert animation.info["duration"] == 1000


def test_time_labels():
    assert time_label(500) == "$t$ = 500" and time_label(-1) == "$x_0$"


def test_speed_shows_what_was_measured(tmp_path):
    made = {"artifact": "a", "script": "b", "settings": {}, "code": "c", "versions": {}}
    made |= {"inputs": {}, "device": {}}
    same = {"n_samples": 8, "micro_batch": 8, "device": {"kind": "cpu"}, "provenance": made}
    slow = {"sampler": "ddpm", "steps": 1000, "seconds": {"compile": 1.5, "run": 20.25}}
    fast = {"sampler": "ddim", "steps": 50, "seconds": {"compile": 1.5, "run": 1.05}}
    timings = [Timing.model_validate({**same, **run}) for run in (slow, fast)]
    speed = compare(*timings, timings[0].provenance)
    figure = speed_bars(speed)
    save_figure(tmp_path / "a.png", figure, CONFIG, {})
    texts = {text.get_text() for axis in figure.axes for text in axis.texts}
    assert {"20.2 s", "1.1 s", "20.0", "19.3"} <= texts


def test_drawing_needs_no_jax():
    code = (
        "import sys, sfumato.figures.plotting, sfumato.figures.rendering\n"
        "print('jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
