"""What the README, CONTRIBUTING and the docs show is what happens."""

import re
import subprocess
import sys
from operator import attrgetter

import jax
import numpy as np
import pytest
import yaml
from conftest import ROOT, code_blocks
from flax import nnx

from sfumato.config.experiment import Experiment
from sfumato.config.merge import merge
from sfumato.config.points import points_of_convergence, points_of_sweep
from sfumato.config.resolve import resolve
from sfumato.figures import figure, names
from sfumato.records.opening import open_record

pytestmark = pytest.mark.quick_compile

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "resources" / "pretrained" / "mnist" / "README.md",
]
README, CONTRIBUTING = (path.read_text() for path in PAGES[:2])
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())


def ran(text, scope=None):
    """Run all the Python of a page, one block after another."""
    scope = {} if scope is None else scope
    for block in code_blocks(text, "python"):
        exec(compile(block, "page.md", "exec"), scope)  # noqa: S102
    return scope


def test_the_readme_is_short_and_starts_with_five_lines():
    assert len(README.splitlines()) <= 150
    (block,) = code_blocks(README, "python")
    assert len(block.splitlines()) == 5
    assert ran(README)["samples"].shape == (8, 28, 28, 1)


def test_the_parts_in_python(monkeypatch, tmp_path):
    for name in ("config.yaml", "resources", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    scope = ran((ROOT / "docs" / "python.md").read_text())
    assert scope["history"]["loss"].shape == (8,) and scope["picture"].size == (356, 92)
    assert (tmp_path / "my_digits" / "manifest.json").exists()
    images = scope["drawn"].images
    assert images.shape == (4, 28, 28, 1) and scope["drawn"].nfe == 200
    # The law of the data that its denoiser knows, but for the error of a first-order method.
    assert abs(images.mean() - 0.5) < 0.015
    assert abs(images.std() - 0.195) < 0.005
    assert scope["digits"].images.shape == (2, 28, 28, 1)
    assert scope["step"].x.shape == (4, 28, 28, 1)
    assert scope["figure"].record.artifact == "ddim_samples.png"
    assert abs(scope["beyond"].images.mean() - 1) < 0.02 and scope["beyond"].nfe == 100


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:alpha_bar_T")
def test_the_edits_in_python():
    scope = ran((ROOT / "docs" / "editing.md").read_text())
    for name, n in {"completed": 2, "several": 3, "varied": 2, "noise": 2, "between": 3}.items():
        assert scope[name].shape == (n, 28, 28, 1) and np.isfinite(scope[name]).all()
    np.testing.assert_array_equal(scope["several"][:, :14], 0)
    assert scope["sharp"].shape == (2, 28, 28, 1)


def test_the_examples_of_contributing_do_what_they_say(schedule):
    from sfumato.diffusion.prediction import cost, from_x_0
    from sfumato.sampling.chain import run_chain

    scope = ran(CONTRIBUTING)
    keys = jax.random.split(jax.random.key(0), 3)
    x = 5 * jax.random.normal(keys[0], (3, 8, 8, 1))

    def denoise(x_t, t, given):
        return from_x_0(schedule, x_t, 0 * x_t + jax.numpy.arange(8.0)[:, None], t)

    # Every chain ends in what the denoiser says: a slope, which with its mirror image is level.
    guided = scope["Mirror"]()(denoise, schedule)
    end = run_chain(guided, schedule, scope["Renoise"](), times=(999, 500, -1), keys=keys, x=x)
    np.testing.assert_allclose(end.x, 3.5, atol=1e-5)
    assert cost(guided, 999) == 2
    network = scope["Conv"](scope["ConvConfig"](input_dim=(8, 8, 1)), rngs=nnx.Rngs(0))
    assert network(x, jax.numpy.arange(3)).shape == x.shape
    experiment = Experiment(samples={"ddim": {"sampler": "ddim"}})
    assert scope["FIGURE"].files_for(experiment) == ["ddim_histogram.png"]


@pytest.mark.parametrize("page", PAGES, ids=attrgetter("name"))
def test_the_files_it_names_exist(page):
    text = page.read_text()
    linked = [page.parent / path for path in re.findall(r"\]\(([\w/.-]+)\)", text)]
    rooted = re.findall(
        r"`((?:src|scripts|workflow|tests|docs|profiles|benchmarks)/[\w/.-]+)`", text
    )
    for path in [*linked, *(ROOT / name for name in rooted)]:
        assert path.exists() or "NAME" in path.name, path


def test_the_rooms_are_those_there_are():
    rows = re.findall(r"^\| (`.*`) \|", CONTRIBUTING.partition("## The rooms")[2], re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", " ".join(rows)))
    package = ROOT / "src" / "sfumato"
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    assert (
        rooms
        | {"drawing", "learning", "model", "notebook"}
        | {"errors", "progress", "project", "version"}
        == named
    )


def test_the_experiments_and_figures_it_names_exist():
    for name in CONFIG["experiments"]:
        assert f"`{name}`" in README
    for name in names():
        for file in figure(name).files_for(Experiment()):
            assert re.search(rf"[`/]{file.partition('.')[0]}[`.]", README), file


def test_the_calls_it_names_are_targets(tmp_path):
    calls = re.findall(r"`snakemake --cores 1 (?!--)(\S+)`", README)
    assert len(calls) >= 6
    command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", str(ROOT / "Snakefile")]
    done = subprocess.run([*command, *calls], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_config_it_shows_does_what_it_says():
    (block,) = code_blocks(README, "yaml")
    _, experiments = resolve(merge(CONFIG, yaml.safe_load(block)))
    mine = experiments["mine"]
    assert set(mine.samples) == {"ddim", "noisy"}
    assert mine.samples["ddim"].steps == 20 and mine.samples["noisy"].sampler.eta == 0.5
    assert mine.built == ("forward.png", "ddim_samples.png", "noisy_samples.png")
    (block,) = code_blocks((ROOT / "docs" / "quality.md").read_text(), "yaml")
    sweeps = {"experiments": {"mine": yaml.safe_load(block)}}
    assert len(resolve(merge(CONFIG, sweeps))[1]["mine"].runs) == 1 + 4


def test_the_page_of_sweeps_shows_what_may_be_written():
    whole, *parts = map(
        yaml.safe_load, code_blocks((ROOT / "docs" / "sweeps.md").read_text(), "yaml")
    )
    for part in parts:
        whole["experiments"]["mine"] |= part
    mine = resolve(merge(CONFIG, whole))[1]["mine"]
    assert [len(points_of_sweep(mine, name)) for name in mine.sweeps] == [4, 12]
    assert len(mine.runs) == 4 + 1 and len(points_of_convergence(mine)) == 2 * 6


def test_the_table_of_peers_is_the_one_that_was_measured():
    measured = (ROOT / "benchmarks" / "results" / "cpu.md").read_text()
    shown = (ROOT / "docs" / "performance.md").read_text()
    assert " ".join(measured.split()) in " ".join(shown.split())


FIGURES = sorted((ROOT / "docs" / "figures").glob("*.png"))


@pytest.mark.parametrize("path", FIGURES, ids=attrgetter("name"))
def test_figures_in_the_docs_say_what_made_them_and_are_shown(path):
    assert open_record(path).record.code
    assert any(f"figures/{path.name})" in page.read_text() for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=attrgetter("name"))
def test_the_tests_it_names_exist(page):
    sources = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", page.read_text()):
        assert f"def {name}(" in sources, name
