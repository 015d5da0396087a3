"""What holds of every figure: one script, one file, the same bytes, and nothing else's looks."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from figure_files import (
    FILES,
    forward_file,
    history_file,
    quality_file,
    samples_file,
    trajectory_file,
)
from PIL import Image

import render  # pyright: ignore[reportMissingImports]
from sfumato.config.render import ChartLook, RenderConfig
from sfumato.errors import InputError
from sfumato.figures import figure, names
from sfumato.records.code import SCRIPTS, source_files

ROOT = Path(__file__).resolve().parents[2]
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


def looks_of(name) -> type[ChartLook]:
    """Return the class of the looks that a figure reads."""
    look = figure(name).settings.model_fields["render"].annotation
    assert isinstance(look, type) and issubclass(look, ChartLook)
    return look


def run(name, paths, output):
    config = json.dumps({"render": {}})
    render.main([name, "--config", config, "--inputs", *map(str, paths), "--output", str(output)])


def test_every_figure_is_tested():
    untested = {*names()} - {*FILES}
    assert not untested, f"say in FILES of tests/figures/figure_files.py how to make {untested}"
    assert set(FILES) == set(names())


@pytest.mark.parametrize("name", [name for name in names() if name in FILES])
def test_the_script_draws_the_same_bytes_twice_and_says_what_made_them(name, tmp_path):
    paths = FILES[name](tmp_path, 2)
    outputs = [tmp_path / f"{i}{Path(figure(name).file).suffix}" for i in (1, 2)]
    for output in outputs:
        run(name, paths, output)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    with Image.open(outputs[0]) as image:
        text = image.info.get("provenance") or image.info["comment"]
    record = json.loads(text)
    assert record["artifact"] == figure(name).file.format(name="ddim", sweep="ddim")
    several = [f"points/{i:012x}_samples.npz" for i in range(2)] if figure(name).several else []
    inputs = {*figure(name).inputs, *several}
    assert record["script"] == "render.py" and set(record["inputs"]) == inputs
    assert set(record["settings"]["render"]) == set(looks_of(name).model_fields)


def test_a_figure_reads_only_its_own_looks():
    looks = {name: looks_of(name) for name in names()}
    readers = {
        key: {n for n in looks if key in looks[n].model_fields} for key in RenderConfig.model_fields
    }
    with_images = {"animation", "forward", "nearest", "samples", "sweep", "told", "trajectory"}
    assert readers == {
        "title": set(names()),
        "dpi": set(names()),
        "panel_inches": with_images,
        "colormap": with_images,
        "columns": {"samples", "sweep"},
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
        ("speed", quality_file, "this file is quality.json, not speed.json"),
        ("quality", forward_file, "this file is forward.npz, not quality.json"),
        ("nearest", forward_file, "drawn from data, samples, metrics, not 1 files"),
        ("sweep", samples_file, r"this file is ddim_samples.npz, not sweep_\*.csv"),
    ],
)
def test_an_input_of_another_kind(name, others, message, tmp_path):
    with pytest.raises(SystemExit, match=message):
        run(name, others(tmp_path, 3), tmp_path / "a.png")


def test_a_file_that_is_given_twice(tmp_path):
    table, *points = FILES["sweep"](tmp_path, 2)
    with pytest.raises(SystemExit, match="points/000000000001_samples.npz is given twice"):
        run("sweep", [table, *points, points[1]], tmp_path / "a.png")
    with pytest.raises(InputError, match="drawn from table, more, not 0 files"):
        figure("sweep").open([])
    with pytest.raises(SystemExit, match="drawn from arrays, not 2 files"):
        run("samples", points, tmp_path / "a.png")


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
