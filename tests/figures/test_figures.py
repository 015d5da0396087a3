"""Every figure: drawn from small files, with one, a few and many of what it shows."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import render  # pyright: ignore[reportMissingImports]
from sfumato.config.render import ChartLook, RenderConfig
from sfumato.figures import figure, names
from sfumato.records.arrays import save_arrays
from sfumato.records.code import SCRIPTS, source_files
from sfumato.records.history import save_history

ROOT = Path(__file__).resolve().parents[2]
LOOK = RenderConfig(dpi=50)
DEVICE = {"backend": "cpu", "kind": "a processor"}
TOY = """
from sfumato.config.render import ChartLook
from sfumato.figures.base import Figure, Looks

FIGURE = Figure(
    name="toy", settings=Looks[ChartLook], file="toy.png", inputs=("arrays",),
    files=("trajectory.npz",), arrays=(("images",),), after=("trajectory",), label="a toy",
)

def draw(look, trajectory):
    from matplotlib.figure import Figure as Drawing
    drawing = Drawing()
    drawing.subplots().plot(trajectory.read()["images"].ravel())
    return drawing
"""


def made(artifact, **settings):
    """Return the provenance of an input."""
    return {
        "artifact": artifact,
        "script": "a.py",
        "settings": settings,
        "code": "",
        "versions": {},
        "inputs": {},
        "device": DEVICE,
    }


def images(n, shape=(6, 6, 1)):
    """Return images whose first pixel says which one it is."""
    drawn = np.random.default_rng(n).uniform(-1, 1, (n, *shape)).astype(np.float32)
    drawn[:, 0, 0, 0] = np.linspace(-1, 1, n)
    return drawn


def forward_file(folder, n):
    path, times = folder / "forward.npz", np.arange(n, dtype=np.int32)
    arrays = {
        "x_0": images(1)[0],
        "images": images(n),
        "timesteps": times,
        "alpha_bar": 1 / (times + 1.0),
    }
    save_arrays(path, arrays, made("forward.npz"))
    return [path]


def samples_file(folder, n, name="ddim", shape=(6, 6, 1), sampler="ddim"):
    path = folder / f"{name}_samples.npz"
    arrays = {"images": images(n, shape), "timesteps": np.arange(20, dtype=np.int32)}
    entries = {name: {"sampler": sampler, "eta": 0.0}}
    save_arrays(path, arrays, made(path.name, samples=entries))
    return [path]


def trajectory_file(folder, n):
    path, times = folder / "trajectory.npz", np.arange(n, dtype=np.int32)[::-1] - 1
    arrays = {
        "images": images(n),
        "predicted_x_0": -images(n),
        "timesteps": times,
        "frames": images(n),
    }
    save_arrays(path, arrays, made("trajectory.npz", samples={"ddpm": {"sampler": "ddpm"}}))
    return [path]


def history_file(folder, n):
    path, steps = folder / "history.csv", np.arange(1.0, n + 1)
    columns = ("loss", "learning_rate", "gradient_norm")
    save_history(path, columns, np.stack([steps, 1 / steps, steps**0.5], 1), made("history.csv"))
    return [path]


def speed_file(folder, n, names=("ddpm", "ddim", "fast", "faster", "fastest")):
    path, first = folder / "speed.json", 1000
    runs = {
        name: {
            "entry": name,
            "sampler": name if i < 2 else "ddim",
            "steps": first // 20**i or 1,
            "nfe": first // 20**i or 1,
            "n_samples": 8,
            "micro_batch": 8,
            "seconds": {"compile": 1.5, "run": 20.25 / (i + 1)},
            "device": DEVICE,
            "provenance": made(f"{name}_samples.timing.json"),
        }
        for i, name in enumerate(names[:n])
    }
    content = {
        "runs": runs,
        "steps_ratio": {name: first / run["steps"] for name, run in runs.items()},
        "seconds_ratio": {name: i + 1.0 for i, name in enumerate(runs)},
        "device": DEVICE,
        "provenance": made("speed.json"),
    }
    path.write_text(json.dumps(content))
    return [path]


def row(run, nfe, quality, **settings):
    return {
        "run": run,
        "settings": settings,
        "nfe": nfe,
        "seconds_per_sample": nfe / 100,
        "seeds": 2,
        "mean": {"fd_lenet": quality, "two_sample_accuracy": 0.5 + quality / 100},
        "spread": {"fd_lenet": 1.0, "two_sample_accuracy": 0.01},
        "intervals": {},
    }


def quality_file(folder, n):
    """Write the quality of DDPM at 1000 steps, and n - 1 runs of DDIM at 10, 20, ... steps.

    Every third has an eta of its own.
    """
    path = folder / "quality.json"
    rows = [row("ddpm", 1000, 20.0, sampler="ddpm", steps=1000, variance="small", guidance=None)]
    for i in range(1, n):
        eta, steps = (i / 100 if i % 3 == 0 else 0.0), 10 * i
        knobs = {"sampler": "ddim", "steps": steps, "eta": eta, "clip": True, "guidance": None}
        rows.append(row(f"ddim_{i}", steps, 40.0 - i, **knobs))
    content = {
        "n_samples": 300,
        "classifier_accuracy": 0.97,
        "floor": row("floor", 0, 10.0),
        "rows": rows,
        "device": DEVICE,
        "provenance": made("quality.json"),
    }
    path.write_text(json.dumps(content))
    return [path]


def nearest_files(folder, n):
    data, metrics = folder / "data.npz", folder / "0.metrics.json"
    save_arrays(
        data, {"train_images": images(2 * n), "train_labels": np.zeros(2 * n)}, made("data.npz")
    )
    nearest = [{"sample": i, "train": 2 * i, "distance": 3 + i / 8} for i in range(n)]
    content = {
        **{"run": "ddpm", "settings": {"sampler": "ddpm"}, "nfe": 1000, "n_samples": 300},
        **{"seconds_per_sample": 1.0, "scores": {}, "intervals": {}, "nearest": nearest},
        **{"classifier_accuracy": 0.97, "provenance": made("evaluation/ddpm/0.metrics.json")},
    }
    metrics.write_text(json.dumps(content))
    return [data, *samples_file(folder, n, "ddpm"), metrics]


FILES = {
    "animation": trajectory_file,
    "forward": forward_file,
    "nearest": nearest_files,
    "quality": quality_file,
    "samples": samples_file,
    "speed": speed_file,
    "training": history_file,
    "trajectory": trajectory_file,
}
"""For each figure what writes its inputs, given how many of what it shows there are."""


def draw(name, paths, look=LOOK):
    return figure(name).draw(look, *figure(name).open(paths).values())


def titles(drawing):
    return [axis.get_title() for axis in drawing.axes]


def looks_of(name) -> type[ChartLook]:
    """Return the class of the looks that a figure reads."""
    look = figure(name).settings.model_fields["render"].annotation
    assert isinstance(look, type) and issubclass(look, ChartLook)
    return look


def run(name, paths, output):
    config = json.dumps({"render": {}})
    render.main([name, "--config", config, "--inputs", *map(str, paths), "--output", str(output)])


def test_every_figure_is_tested():
    assert set(FILES) == set(names())


@pytest.mark.parametrize("name", names())
def test_the_script_draws_the_same_bytes_twice_and_says_what_made_them(name, tmp_path):
    paths = FILES[name](tmp_path, 2)
    outputs = [tmp_path / f"{i}{Path(figure(name).file).suffix}" for i in (1, 2)]
    for output in outputs:
        run(name, paths, output)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    with Image.open(outputs[0]) as image:
        text = image.info.get("provenance") or image.info["comment"]
    record = json.loads(text)
    assert record["artifact"] == figure(name).file.format(name="ddim")
    assert record["script"] == "render.py" and set(record["inputs"]) == set(figure(name).inputs)
    assert set(record["settings"]["render"]) == set(looks_of(name).model_fields)


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


@pytest.mark.parametrize(("n", "width"), [(1, 1), (3, 1), (500, 10)])
def test_training(n, width, tmp_path):
    """The moving average of a loss that is a straight line lies on that line."""
    loss, rate, norm = draw("training", history_file(tmp_path, n)).axes
    each, smooth = loss.lines
    assert len(each.get_xdata()) == n and len(smooth.get_xdata()) == n - width + 1
    assert smooth.get_ydata() == pytest.approx(smooth.get_xdata() + 1)
    assert smooth.get_label() == f"mean of {width}"
    assert [axis.get_yscale() for axis in (loss, rate, norm)] == ["log", "linear", "log"]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_speed(n, tmp_path):
    drawing = draw("speed", speed_file(tmp_path, n))
    texts = [text.get_text() for axis in drawing.axes for text in axis.texts]
    assert len(drawing.axes) == (1 if n == 1 else 2) and "20.2 s" in texts
    labels = [label.get_text() for label in drawing.axes[0].get_xticklabels()]
    assert labels[:2] == ["DDPM\n1000 steps", "DDIM\n50 steps"][:n]
    assert len(labels) == n and titles(drawing)[-1] == "measured on a processor"
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


@pytest.mark.parametrize("n", [1, 3, 10])
def test_nearest(n, tmp_path):
    drawing = draw("nearest", nearest_files(tmp_path, n))
    assert titles(drawing)[:n] == [f"{3 + i / 8:.2f}" for i in range(n)]
    assert len(drawing.axes) == 2 * n and drawing.axes[n].get_ylabel() == "nearest"
    assert drawing.get_suptitle().startswith("Memorisation: of 300 samples")
    shown = [int(axis.images[0].get_array()[0, 0, 0]) for axis in drawing.axes]
    assert shown[:n] == pytest.approx(np.linspace(0, 255, n), abs=1)
    assert shown[n:] == pytest.approx(np.linspace(0, 255, 2 * n)[::2], abs=1)


def test_a_figure_reads_only_its_own_looks():
    looks = {name: looks_of(name) for name in names()}
    readers = {
        key: {n for n in looks if key in looks[n].model_fields} for key in RenderConfig.model_fields
    }
    with_images = {"animation", "forward", "nearest", "samples", "trajectory"}
    assert readers == {
        "dpi": set(names()),
        "panel_inches": with_images,
        "colormap": with_images,
        "columns": {"samples"},
        "max_panels": {"samples"},
        "frames_per_second": {"animation"},
    }


@pytest.mark.parametrize(
    ("name", "others", "message"),
    [
        (
            "samples",
            trajectory_file,
            r"trajectory.npz: this file is trajectory.npz, not \*_samples",
        ),
        ("trajectory", samples_file, "holds images, timesteps, but no predicted_x_0"),
        ("forward", history_file, "but no x_0: it is of another kind"),
        ("speed", quality_file, "of another kind"),
        ("quality", forward_file, "of another kind"),
        ("nearest", forward_file, "drawn from data, samples, metrics, not 1 files"),
    ],
)
def test_an_input_of_another_kind(name, others, message, tmp_path):
    with pytest.raises(SystemExit, match=message):
        run(name, others(tmp_path, 3), tmp_path / "a.png")


def test_a_figure_that_does_not_exist(tmp_path, capsys):
    with pytest.raises(SystemExit):
        run("sample", samples_file(tmp_path, 1), tmp_path / "a.png")
    assert "'samples'" in capsys.readouterr().err


@pytest.mark.parametrize("name", names())
def test_a_figure_depends_on_no_other_and_on_nothing_that_computes(name):
    files = {str(p) for p in source_files(SCRIPTS / "render.py", *figure(name).modules)}
    rooms = {Path(file).parent.name for file in files}
    drawn = {Path(file).stem for file in files if "/figures/" in file} & set(names())
    assert drawn == {name} and not rooms & {"networks", "samplers", "training"}


def test_declarations_import_neither_jax_nor_matplotlib():
    code = (
        "import sys\n"
        "from sfumato.figures import figure, names\n"
        "print(len([figure(name) for name in names()]), {'jax', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{len(names())} set()"


def test_a_new_file_is_a_new_figure_and_drawing_imports_no_jax(tmp_path):
    for folder in ("src", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "src/sfumato/figures/toy.py").write_text(TOY)
    arguments = ["toy", "--config", '{"render": {}}', "--output", "toy.png", "--inputs"]
    arguments += [str(path) for path in trajectory_file(tmp_path, 3)]
    code = f"import sys\nsys.path[:0] = ['src', 'scripts']\nimport render\nrender.main({arguments})"
    code += "\nprint('jax' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "False", done.stderr
    assert (tmp_path / "toy.png").is_file()
