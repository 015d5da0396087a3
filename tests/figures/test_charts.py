"""Charts: every number that was measured is shown, under the name of what it belongs to."""

import json

import pytest
from figure_files import draw, history_file, quality_file, row, speed_file, titles


@pytest.mark.parametrize(("n", "width"), [(1, 1), (3, 1), (500, 10)])
def test_training(n, width, tmp_path):
    """The moving average of a loss that is a straight line lies on that line."""
    loss, rate, norm = draw("training", history_file(tmp_path, n)).axes
    each, smooth = loss.lines
    assert len(each.get_xdata()) == n and len(smooth.get_xdata()) == n - width + 1
    assert smooth.get_ydata() == pytest.approx(smooth.get_xdata() + 1)
    assert smooth.get_label() == f"mean of {width}"
    assert all(line.get_marker() == ("." if n == 1 else "") for line in (*rate.lines, *norm.lines))
    assert [axis.get_yscale() for axis in (loss, rate, norm)] == ["log", "linear", "log"]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_speed(n, tmp_path):
    drawing = draw("speed", speed_file(tmp_path, n))
    texts = [text.get_text() for axis in drawing.axes for text in axis.texts]
    assert len(drawing.axes) == (1 if n == 1 else 2) and "20.2 s" in texts
    labels = [label.get_text() for label in drawing.axes[0].get_xticklabels()]
    assert labels[:2] == ["DDPM\n1000 steps", "DDIM\n50 steps"][:n]
    assert len(labels) == n
    first, last = drawing.axes[0], drawing.axes[-1]
    assert first.get_title().endswith("8 samples")
    assert "measured on a processor" in (first.get_xlabel(), last.get_title())
    if n == 2:
        right = drawing.axes[1]
        assert right.get_ylabel() == "DDPM / DDIM" and {"10.1 s", "20.0", "2.0"} <= set(texts)
        assert [t.get_text() for t in right.get_xticklabels()] == ["steps", "seconds per sample"]
    if n == 5:
        assert drawing.axes[1].get_ylabel() == "DDPM / each" and labels[2] == "fast\n2 steps"
        assert len(drawing.axes[1].patches) == 8


@pytest.mark.parametrize(("n", "methods"), [(1, 0), (2, 1), (6, 2), (40, 14)])
def test_quality(n, methods, tmp_path):
    drawing = draw("quality", quality_file(tmp_path, n))
    assert titles(drawing) == ["FD-LeNet", "FD-LeNet", "two-sample accuracy"]
    _, labels = drawing.axes[0].get_legend_handles_labels()
    etas = [f"DDIM, eta {i / 100:g}" for i in range(3, n, 3)]
    assert sorted(labels) == sorted(
        ["DDPM-1000", "real images", "DDPM", *(["DDIM"] if n > 1 else []), *etas]
    )
    assert len(drawing.axes[0].containers) == 1 + methods
    assert bool(drawing.legends) == (methods > 8) and drawing.axes[0].get_xscale() == "log"


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
