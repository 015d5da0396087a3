"""Figures with images: each image in its place, under its title."""

import json

import numpy as np
import pytest
from figure_files import (
    LOOK,
    draw,
    forward_file,
    nearest_files,
    said,
    samples_file,
    sweep_files,
    told_files,
    trajectory_file,
)

from sfumato.errors import InputError


def texts(drawing):
    """Return what is written among the images."""
    return [text.get_text() for text in drawing.axes[0].texts if text.get_text()]


def shown(drawing):
    """Return the colours of the images."""
    return [np.asarray(image.get_array()).astype(int) for image in drawing.axes[0].images]


@pytest.mark.parametrize("n", [1, 3, 12])
def test_forward(n, tmp_path):
    drawing = draw("forward", forward_file(tmp_path, n))
    assert len(shown(drawing)) == n + 1 and len(texts(drawing)) == n + 1
    assert texts(drawing)[:2] == ["$x_0$", "$t$ = 0\n$\\bar\\alpha_t$ = 1"]
    assert texts(drawing)[-1] == f"$t$ = {n - 1}\n$\\bar\\alpha_t$ = {1 / n:.4g}"


@pytest.mark.parametrize("shape", [(6, 6, 1), (4, 8, 3)])
@pytest.mark.parametrize("n", [1, 5, 70])
def test_samples(n, shape, tmp_path):
    drawing = draw("samples", samples_file(tmp_path, n, "fast", shape))
    assert texts(drawing) == [str(i) for i in range(min(n, LOOK.max_panels))]
    assert len(shown(drawing)) == min(n, LOOK.max_panels)
    assert ("the first 64 of 70 samples" in said(drawing)[1]) == (n == 70)
    assert shown(drawing)[0].shape == (*shape[:2], 3)


@pytest.mark.parametrize("n", [1, 2, 10])
def test_trajectory(n, tmp_path):
    drawing = draw("trajectory", trajectory_file(tmp_path, n))
    assert len(shown(drawing)) == 2 * n and "$x_0$" in texts(drawing)
    assert {"$x_t$", r"predicted $x_0$"} <= set(texts(drawing))
    assert ({"noise", "image"} <= set(texts(drawing))) == (n > 1)  # the way that time goes
    bands = 1 if n <= 6 else 2
    for k in range(bands):
        half = shown(drawing)[k * 2 * n // bands : (k + 1) * 2 * n // bands]
        for upper, lower in zip(half[: n // bands], half[n // bands :], strict=True):
            assert np.all(np.abs(upper + lower - 255) <= 1)  # x_0 was written as -x_t


@pytest.mark.parametrize("n", [1, 30])
def test_animation(n, tmp_path):
    drawn = draw("animation", trajectory_file(tmp_path, n))
    frames = list(drawn.frames)
    assert len(frames) == drawn.n_frames == n
    assert {frame.shape for frame in frames} == {(drawn.height, drawn.width, 3)}
    side = 2 * round(LOOK.panel_inches * LOOK.dpi) // 6 * 6
    first = [frame[drawn.height - side + 2, (drawn.width - side) // 2 + 2, 0] for frame in frames]
    assert first == pytest.approx(np.linspace(0, 255, n) if n > 1 else [0], abs=1)


def test_every_frame_of_an_animation_has_its_time(tmp_path):
    """Frames of one image under different times differ, and nothing but the line of time does."""
    (path,) = trajectory_file(tmp_path, 5)
    frames = [frame.astype(int) for frame in draw("animation", [path]).frames]
    words = {frame[: len(frame) - 140].tobytes() for frame in frames}
    assert len(words) == 5


@pytest.mark.parametrize("n", [1, 3, 10])
def test_nearest(n, tmp_path):
    drawing = draw("nearest", nearest_files(tmp_path, n))
    distances = [text for text in texts(drawing) if text not in ("sample", "nearest")]
    assert distances == [f"{3 + i / 8:.2f}" for i in range(n)]
    bands = 1 if n <= 6 else 2
    assert len(shown(drawing)) == 2 * n and texts(drawing).count("nearest") == bands
    assert said(drawing)[0].startswith("of 300 samples those nearest to a training image")
    greys = np.array([colours[0, 0, 0] for colours in shown(drawing)]).reshape(bands, 2, -1)
    assert greys[:, 0].ravel() == pytest.approx(np.linspace(0, 255, n), abs=1)
    assert greys[:, 1].ravel() == pytest.approx(np.linspace(0, 255, 2 * n)[::2], abs=1)


@pytest.mark.parametrize("n", [1, 4, 12])
def test_a_sweep_of_one_setting_is_a_row_for_each_point(n, tmp_path):
    drawing = draw("sweep", sweep_files(tmp_path, n), LOOK.model_copy(update={"columns": 2}))
    rows = [[f"steps = {5 + i}", f"{5 * (i + 1)} NFE\n{time}"] for i, time in enumerate(TIMES[:n])]
    assert texts(drawing) == ["0", "1", *(text for row in rows for text in row)]
    assert len(shown(drawing)) == 2 * n
    title, details = said(drawing)
    assert title == "sweep over steps"
    assert details.startswith("DDIM, 5 steps, eta 0;" if n == 1 else "DDIM, eta 0;")
    assert "measured on a processor" in details


TIMES = ["20 ms", "40 ms", "60 ms", "80 ms", "0.1 s"]
TIMES += [f"{0.02 * i:.3g} s" for i in range(6, 13)]


def test_a_sweep_of_two_settings_is_a_grid_of_one_sample(tmp_path):
    over = (("steps", (5, 10)), ("clip", (True,)), ("eta", (0.0, 0.5, 1.0)))
    drawing = draw("sweep", sweep_files(tmp_path, 6, over=over))
    first = ["steps = 5", "5 to 15 NFE\n20 to 60 ms"]
    second = ["steps = 10", "20 to 30 NFE\n0.08 to 0.12 s"]
    assert texts(drawing) == ["eta = 0", "eta = 0.5", "eta = 1", *first, *second]
    assert len(shown(drawing)) == 6
    assert all(np.array_equal(each, shown(drawing)[0]) for each in shown(drawing))
    assert said(drawing)[0] == "sweep over steps and eta" and "DDIM; sample 0" in said(drawing)[1]


def test_a_sweep_says_what_varies_and_what_all_have_in_common(tmp_path):
    guided = [{"method": "mine", "scale": scale} for scale in (1.0, 2.5)]
    over = (("guidance", (None, *guided)), ("steps", (5,)))
    drawing = draw("sweep", sweep_files(tmp_path, 3, over=over))
    assert "guidance" not in said(drawing)[1]
    over = (("guidance", tuple({**each, "method": each["method"] * 2} for each in guided)),)
    drawing = draw("sweep", sweep_files(tmp_path, 2, over=over))
    assert "guidance (minemine)" in said(drawing)[1]
    over = (("guidance", (guided[0], {**guided[0], "method": "other"})),)
    drawing = draw("sweep", sweep_files(tmp_path, 2, over=over))
    assert "guidance" not in said(drawing)[1] and "guidance (other, scale 1)" in texts(drawing)
    over = (("guidance", (None, *guided)), ("steps", (5,)))
    drawing = draw("sweep", sweep_files(tmp_path, 3, over=over))
    assert "guidance = null" in texts(drawing) and "guidance (mine, scale 2.5)" in texts(drawing)
    over = (("sampler", ("ddim", "heun")), ("steps", (5, 6)), ("eta", (0.0, 1.0)))
    drawing = draw("sweep", sweep_files(tmp_path, 8, over=over))
    assert "sampler = heun, steps = 6, eta = 1" in texts(drawing)
    assert said(drawing)[0] == "sweep over sampler and steps and eta"


def test_told(tmp_path):
    drawing = draw("told", told_files(tmp_path, 4))
    assert said(drawing)[0].startswith("of 300 samples those that a classifier told from real")
    assert texts(drawing)[:4] == ["1.00, 0.00", "0.99, 0.01", "0.98, 0.02", "0.97, 0.03"]
    assert {"told", "fooling"} < set(texts(drawing)) and len(shown(drawing)) == 8


def test_samples_that_nobody_judged(tmp_path):
    samples, metrics = told_files(tmp_path, 4)
    content = json.loads(metrics.read_text())
    metrics.write_text(json.dumps({**content, "told": [], "fooling": []}))
    with pytest.raises(InputError, match="an earlier version scored it"):
        draw("told", [samples, metrics])
