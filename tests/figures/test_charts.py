"""Charts: every number that was measured is shown, under the name of what it belongs to."""

import json

import numpy as np
import pytest
from figure_files import (
    convergence_file,
    draw,
    guidance_file,
    history_file,
    quality_file,
    row,
    said,
    sizes_file,
    speed_file,
    titles,
)

from sfumato.errors import InputError
from sfumato.figures.charts import HANDLE, fitted, legend_shape
from sfumato.figures.lettering import widest
from sfumato.figures.style import SMALL


@pytest.mark.parametrize(("n", "width"), [(1, 0), (3, 0), (30, 0), (500, 10)])
def test_training(n, width, tmp_path):
    """The moving average of a loss that is a straight line lies on that line."""
    loss, rate, norm = draw("training", history_file(tmp_path, n)).axes
    each, *smooth = loss.lines
    assert len(each.get_xdata()) == n and len(smooth) == (width > 0)
    for line in smooth:
        assert len(line.get_xdata()) == n - width + 1
        assert line.get_ydata() == pytest.approx(line.get_xdata() + 1)
    assert loss.get_title() == ("loss, blue its mean over 10 steps" if width else "loss")
    assert all(
        line.get_marker() == ("." if n <= 30 else "") for line in (each, *rate.lines, *norm.lines)
    )
    scale = "log" if n > 3 else "linear"
    assert [axis.get_yscale() for axis in (loss, rate)] == [scale, "linear"]
    assert all(float(tick).is_integer() for tick in loss.get_xticks())


@pytest.mark.parametrize("n", [1, 2, 5])
def test_speed(n, tmp_path):
    drawing = draw("speed", speed_file(tmp_path, n))
    texts = [text.get_text() for axis in drawing.axes for text in axis.texts]
    assert len(drawing.axes) == (1 if n == 1 else 2) and "20.2 + 1.5 s" in texts
    labels = [label.get_text() for label in drawing.axes[0].get_yticklabels()]
    assert len(labels) == n and len(drawing.axes[0].patches) == 2 * n
    assert drawing.axes[0].yaxis_inverted()  # the first is at the top
    assert "measured on a processor" in said(drawing)[1]
    if n > 1:
        assert {"20", "2"} <= set(texts) and len(drawing.axes[1].patches) == 2 * n


@pytest.mark.parametrize(("n", "methods"), [(1, 0), (2, 1), (6, 2), (40, 14)])
def test_quality(n, methods, tmp_path):
    drawing = draw("quality", quality_file(tmp_path, n))
    assert titles(drawing) == ["FD-LeNet", "two-sample accuracy"]
    assert [axes.get_ylabel() for axes in drawing.axes] == [
        "lower is better",
        "lower is better, 0.5 is best",
    ]
    _, labels = drawing.axes[0].get_legend_handles_labels()
    etas = [f"DDIM, eta {i / 100:g}" for i in range(3, n, 3)]
    assert sorted(labels) == sorted(
        ["DDPM-1000", "real images", "DDPM", *(["DDIM"] if n > 1 else []), *etas]
    )
    (legend,) = drawing.legends
    assert {text.get_text() for text in legend.get_texts()} == set(labels)
    assert len(drawing.axes[0].containers) == 1 + methods
    assert drawing.axes[0].get_xscale() == ("log" if n > 1 else "linear")
    assert drawing.axes[0].get_xlabel() == "network evaluations of a sample, 10 ms each"


def test_guidance(tmp_path):
    """A line for the runs that differ in w alone, in the order of w; real images beside it."""
    (path,) = guidance_file(tmp_path, 4)
    content = json.loads(path.read_text())
    rows = content["rows"]
    slower = {**rows[2], "run": "slow", "settings": {**rows[2]["settings"], "steps": 50}}
    content["rows"] = [rows[3], *rows[:3], slower, row("plain", 20, 9.0, sampler="ddim", steps=20)]
    path.write_text(json.dumps(content))
    drawing = draw("guidance", [path])
    assert titles(drawing) == ["class accuracy", "FD-LeNet", "precision", "recall"]
    accuracy = drawing.axes[0]
    lines = {each.get_label(): each for each in accuracy.containers}
    assert list(lines) == ["DDIM", "DDIM, steps 50"]
    assert list(lines["DDIM"][0].get_xdata()) == [0, 0.5, 1, 1.5]
    assert list(lines["DDIM"][0].get_ydata()) == pytest.approx([0, 1 / 2, 2 / 3, 3 / 4])
    _, names = accuracy.get_legend_handles_labels()
    assert "real images" in names and accuracy.lines[-1].get_ydata()[0] == 0.97


def test_every_scale_is_said_where_they_differ(tmp_path):
    (path,) = guidance_file(tmp_path, 3)
    _, names = draw("quality", [path]).axes[0].get_legend_handles_labels()
    assert {"DDIM, scale 0", "DDIM, scale 0.5", "DDIM, scale 1"} <= set(names)


def test_guidance_of_runs_that_have_none(tmp_path):
    with pytest.raises(
        InputError, match="evaluation.runs: none is guided; vary guidance.scale, as in"
    ):
        draw("guidance", quality_file(tmp_path, 3))


def test_more_methods_than_can_be_told_apart_are_counted(tmp_path):
    (legend,) = draw("quality", quality_file(tmp_path, 300)).legends
    names = [text.get_text() for text in legend.get_texts()]
    assert "and 61 more" in names and len(names) == 43


def test_a_method_is_named_after_what_distinguishes_it(tmp_path):
    (path,) = quality_file(tmp_path, 2)
    content = json.loads(path.read_text())
    knobs = content["rows"][1]["settings"]
    guidance = {"method": "classifier_free", "scale": 2.0}
    for i, change in enumerate(({"clip": False}, {"guidance": guidance}, {"spacing": "leading"})):
        content["rows"].append(row(f"other_{i}", 50, 30.0, **{**knobs, **change}))
    path.write_text(json.dumps(content))
    _, labels = draw("quality", [path]).axes[0].get_legend_handles_labels()
    assert {"DDIM, no clip", "DDIM, classifier_free, scale 2", "DDIM, spacing leading"} < {*labels}


@pytest.mark.parametrize(("n", "curves"), [(1, 1), (2, 2), (5, 3)])
def test_convergence(n, curves, tmp_path):
    """A line for each sampler, under its name and slope; and lines of orders 1, 2 and 3."""
    drawing = draw("convergence", convergence_file(tmp_path, n))
    (axes,) = drawing.axes
    lines = [line for line in axes.lines if line.get_linestyle() == "-"]
    assert len(lines) == curves and all(len(line.get_xdata()) == n for line in lines)
    labels = [line.get_label() for line in lines]
    names = ["DDIM, eta 0", "Heun, eta 0", "UniPC, eta 0"][:curves]
    slopes = [f": order {i + 1.0}" if n > 1 else "" for i in range(curves)]
    assert labels == [a + b for a, b in zip(names, slopes, strict=True)]
    guides = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert [text.get_text() for text in axes.texts] == ["order 1", "order 2", "order 3"]
    for order, line in enumerate(guides, start=1):
        (x0, x1), (y0, y1) = line.get_xdata(), line.get_ydata()
        assert n == 1 or y0 / y1 == pytest.approx((x1 / x0) ** order)
    title, details = said(drawing)
    assert title == "distance from the images of 1000 steps"
    assert "4 samples; no clip; untrained network" in details


def test_sizes(tmp_path):
    (path,) = sizes_file(tmp_path, 4)
    drawing = draw("sizes", [path])
    assert titles(drawing) == ["FD-LeNet", "KID", "precision", "recall"]
    line = drawing.axes[0].lines[0]
    np.testing.assert_allclose(line.get_xdata(), [100, 200, 400, 800])
    np.testing.assert_allclose(line.get_ydata(), [11, 6, 3.5, 2.25])
    real = drawing.axes[0].lines[-1]
    assert real.get_label() == "real images" and real.get_ydata()[0] == 10


def test_of_many_runs_the_figure_says_how_many_it_shows(tmp_path):
    (path,) = sizes_file(tmp_path, 1)
    content = json.loads(path.read_text())
    many = [content["rows"][0] | {"run": f"run_{i}"} for i in range(14)]
    path.write_text(json.dumps(content | {"rows": many}))
    drawing = draw("sizes", [path])
    assert "the first 10 of 14 runs" in said(drawing)[1]
    assert len(drawing.axes[0].lines) == 11 and drawing.axes[0].lines[-1].get_marker() == "_"


@pytest.mark.parametrize("dpi", [40, 150])
def test_a_name_wider_than_its_legend_is_broken(dpi):
    name = "UniPC, labels [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], digest " + "e5ab43b9" * 8
    broken = fitted(name, 4, dpi)
    assert broken.replace("\n", "").replace(" ", "") == name.replace(" ", "")
    assert widest(broken.split("\n"), SMALL, dpi) + HANDLE <= 4
    assert legend_shape([broken], 4, dpi) == (1, broken.count("\n") + 1)


def test_scores_without_sizes(tmp_path):
    with pytest.raises(InputError, match="an earlier version scored it"):
        draw("sizes", quality_file(tmp_path, 3))
