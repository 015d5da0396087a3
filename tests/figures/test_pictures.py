"""Figures with images: each image in its place, under its title."""

import numpy as np
import pytest
from figure_files import (
    FILES,
    LOOK,
    draw,
    forward_file,
    nearest_files,
    samples_file,
    titles,
    trajectory_file,
)
from matplotlib.backends.backend_agg import FigureCanvasAgg


@pytest.mark.parametrize("n", [1, 3, 12])
def test_forward(n, tmp_path):
    drawing = draw("forward", forward_file(tmp_path, n))
    assert titles(drawing)[0] == "$x_0$" and len(drawing.axes) == n + 1
    assert titles(drawing)[1] == "$t$ = 0\n$\\bar\\alpha_t$ = 1"
    assert titles(drawing)[-1] == f"$t$ = {n - 1}\n$\\bar\\alpha_t$ = {1 / n:.4g}"


@pytest.mark.parametrize("shape", [(6, 6, 1), (4, 8, 3)])
@pytest.mark.parametrize("n", [1, 5, 70])
def test_samples(n, shape, tmp_path):
    drawing = draw("samples", samples_file(tmp_path, n, "fast", shape))
    shown = [axis for axis in drawing.axes if axis.axison]
    assert len(shown) == min(n, LOOK.max_panels)
    more = ", the first 64 of 70 samples" if n == 70 else ""
    assert drawing.get_suptitle() == f"DDIM, 20 steps{more}"
    assert [axis.get_title() for axis in shown] == [str(i) for i in range(len(shown))]
    height, width, _ = np.asarray(shown[0].images[0].get_array()).shape
    assert (height, width) == shape[:2]


@pytest.mark.parametrize("n", [1, 2, 10])
def test_trajectory(n, tmp_path):
    drawing = draw("trajectory", trajectory_file(tmp_path, n))
    assert drawing.get_suptitle() == "Denoising trajectory: DDPM sample 0"
    assert len(drawing.axes) == 2 * n and titles(drawing)[n - 1] == "$x_0$"
    upper, lower = (drawing.axes[i].images[0].get_array() for i in (0, n))
    assert np.all(np.abs(upper.astype(int) + lower - 255) <= 1)  # x_0 was written as -x_t


@pytest.mark.parametrize("n", [2, 30])
def test_animation(n, tmp_path):
    colours = draw("animation", trajectory_file(tmp_path, n))
    assert colours.shape == (n, 6, 6, 3) and colours.dtype == np.uint8
    assert colours[:, 0, 0, 0] == pytest.approx(np.linspace(0, 255, n), abs=1)


@pytest.mark.parametrize("n", [1, 3, 10])
def test_nearest(n, tmp_path):
    drawing = draw("nearest", nearest_files(tmp_path, n))
    assert titles(drawing)[:n] == [f"{3 + i / 8:.2f}" for i in range(n)]
    assert len(drawing.axes) == 2 * n and drawing.axes[n].get_ylabel() == "nearest"
    assert drawing.get_suptitle().startswith("Memorisation: of 300 samples")
    shown = [int(axis.images[0].get_array()[0, 0, 0]) for axis in drawing.axes]
    assert shown[:n] == pytest.approx(np.linspace(0, 255, n), abs=1)
    assert shown[n:] == pytest.approx(np.linspace(0, 255, 2 * n)[::2], abs=1)


@pytest.mark.parametrize("name", ["forward", "nearest", "trajectory"])
def test_a_heading_fits_into_a_narrow_figure(name, tmp_path):
    drawing = draw(name, FILES[name](tmp_path, 1))
    canvas = FigureCanvasAgg(drawing)
    canvas.draw()
    (heading,) = drawing.texts
    box = heading.get_window_extent()
    assert box.x0 >= -2 and box.x1 <= drawing.bbox.width + 2
    assert box.y0 > max(axis.title.get_window_extent().y1 for axis in drawing.axes)
