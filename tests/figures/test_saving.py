"""Figures on disk: the same bytes each time, with their provenance, of the size that is asked."""

import json

import numpy as np
import pytest
from PIL import Image

from sfumato.config.render import RenderConfig
from sfumato.errors import InputError
from sfumato.figures.panels import image_grid
from sfumato.figures.saving import Animation, save
from sfumato.figures.titles import Heading
from sfumato.records.pictures import picture_text

LOOK = RenderConfig(dpi=50, columns=3)
IMAGES = np.linspace(-1, 1, 5 * 8 * 8, dtype=np.float32).reshape(5, 8, 8, 1)
FRAMES = np.arange(5 * 4 * 6 * 3, dtype=np.uint8).reshape(5, 4, 6, 3)


def test_a_figure_carries_its_provenance_and_has_the_same_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        figure = image_grid(IMAGES, Heading("five"), LOOK)
        save(tmp_path / name, figure, LOOK, {"seed": 3, "who": "Zoë"})
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        text = image.text  # type: ignore[attr-defined]
    assert json.loads(text["provenance"]) == {"seed": 3, "who": "Zoë"}
    assert not {key for key in text if "time" in key.lower() or "date" in key.lower()}


@pytest.mark.parametrize("length", [10**5, 3 * 10**6])
def test_a_long_provenance_is_read_by_any_reader(tmp_path, length):
    """Compressed, unless Pillow would refuse to decompress so much."""
    made = {"settings": "word " * (length // 5)}
    save(tmp_path / "a.png", image_grid(IMAGES, Heading(""), LOOK), LOOK, made)
    with Image.open(tmp_path / "a.png") as image:
        assert json.loads(image.text["provenance"]) == made  # type: ignore[attr-defined]
    assert json.loads(picture_text(tmp_path / "a.png")) == made
    assert ((tmp_path / "a.png").stat().st_size < length / 5) == (length < 10**6)


@pytest.mark.parametrize("change", [{"dpi": 60}, {"panel_inches": 2.0}, {"columns": 2}])
def test_looks_change_the_size(tmp_path, change):
    sizes = set()
    for look in (LOOK, LOOK.model_copy(update=change)):
        save(tmp_path / "a.png", image_grid(IMAGES, Heading(""), look), look, {})
        with Image.open(tmp_path / "a.png") as image:
            sizes.add(image.size)
    assert len(sizes) == 2


def test_an_animation_shows_each_frame_and_holds_the_last(tmp_path):
    for name in ("a.gif", "b.gif"):
        save(tmp_path / name, Animation(5, 6, 4, FRAMES), LOOK, {"seed": 3})
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    with Image.open(tmp_path / "a.gif") as animation:
        assert animation.n_frames == 5  # type: ignore[attr-defined]
        assert json.loads(animation.info["comment"]) == {"seed": 3}
        assert animation.info["duration"] == pytest.approx(1000 / LOOK.frames_per_second, abs=10)
        animation.seek(4)
        assert animation.info["duration"] == 1000
        shown = np.asarray(animation.convert("RGB"))
    assert shown.tolist() == FRAMES[4].tolist()


def test_what_is_too_large_to_draw(tmp_path):
    look = RenderConfig(dpi=1200, panel_inches=20.0)
    with pytest.raises(InputError, match=r"a\.png: 1 x .* lower render.dpi"):
        save(tmp_path / "a.png", image_grid(IMAGES, Heading(""), look), look, {})
    with pytest.raises(InputError, match=r"a\.gif: 5 x 48000 x 32000 pixels"):
        save(tmp_path / "a.gif", Animation(5, 48000, 32000, FRAMES), look, {})
