"""The pages of the documentation: tutorials run, and every page is to be found."""

import re
import shlex
import subprocess
import sys
from operator import attrgetter

import matplotlib.pyplot as plt
import pytest
import yaml
from conftest import ROOT, code_blocks, slow

from sfumato import ModelConfig
from sfumato.config.merge import merge
from sfumato.config.resolve import resolve
from sfumato.records.manifest import read_manifest
from sfumato.workflow.stages import adopt

pytestmark = [
    pytest.mark.quick_compile,
    pytest.mark.filterwarnings("ignore:alpha_bar_T"),
    pytest.mark.filterwarnings("ignore:spacing"),
]

DOCS = ROOT / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
PAGES = [*sorted(DOCS.glob("*.md")), *TUTORIALS]


def cells(text):
    """Return the code of a text notebook, cell by cell, and the tags of each."""
    for cell in code_blocks(text, "{code-cell}"):
        options, code = re.fullmatch(r"((?::[^\n]*\n)*)(.*)", cell, re.DOTALL).groups()
        yield options, code


SLOW = {"demo", "editing", "figures", "guidance", "samplers"}  # what they call is tested elsewhere


@pytest.mark.parametrize(
    "page",
    [slow(page) if page.stem in SLOW else page for page in TUTORIALS],
    ids=[page.stem for page in TUTORIALS],
)
def test_a_tutorial_runs(page, monkeypatch):
    """With the least work: what its head says for that takes the place of its parameters."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    text = page.read_text()
    tiny = yaml.safe_load(text.split("---\n")[1])["tiny"]
    scope = {}
    for options, code in cells(text):
        exec(compile(code, page.name, "exec"), scope)  # noqa: S102
        if "parameters" in options:
            assert set(tiny) <= set(scope), "what is set to less has to be a parameter"
            scope |= tiny
    if page.stem == "figures":
        assert (scope["place"] / scope["figure"]).read_bytes() == scope["before"]
    if page.stem == "noise":  # three ways to say one thing
        assert abs(scope["from_v"] - scope["x_0"][0]).max() < 1e-5


@pytest.mark.parametrize("page", PAGES, ids=attrgetter("stem"))
def test_a_page_is_in_the_table_of_contents(page):
    index = (DOCS / "index.md").read_text()
    name = str(page.relative_to(DOCS).with_suffix(""))
    assert name == "index" or re.search(rf"^{name}$", index, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=attrgetter("stem"))
def test_the_pages_it_links_to_exist(page):
    for path in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", page.read_text()):
        assert (page.parent / path).exists(), path


def test_the_experiments_of_the_first_page_may_be_written(monkeypatch):
    monkeypatch.chdir(ROOT)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    blocks = code_blocks((DOCS / "start.md").read_text(), "yaml")
    first, second = (resolve(merge(config, yaml.safe_load(each)))[1]["mine"] for each in blocks)
    assert first.samples["ddim"].steps == 20
    assert second.data.source == "images" and second.weights.source == "trained"


def test_the_experiment_that_trains_on_may_be_written(monkeypatch):
    monkeypatch.chdir(ROOT)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    blocks = code_blocks((DOCS / "training.md").read_text(), "yaml")
    (mine,) = (resolve(merge(config, yaml.safe_load(each)))[1]["mine"] for each in blocks)
    taken = adopt.Settings.of(mine)
    assert taken.weights.digest == read_manifest(ROOT / mine.weights.folder)["digest"]


def test_the_calls_that_change_a_setting_are_ones(tmp_path):
    text = "\n".join(page.read_text() for page in [ROOT / "README.md", *PAGES])
    calls = set(re.findall(r"snakemake [^`\n]*--config '[^`\n]*", text))
    assert len(calls) >= 2
    for call in calls:
        _, *words = shlex.split(call)
        command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", str(ROOT / "Snakefile")]
        done = subprocess.run([*command, *words], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_experiment_of_the_tutorial_takes_the_checkpoint_that_it_saved():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    text = (DOCS / "tutorials" / "training.md").read_text()
    (block,) = code_blocks(text, "yaml")
    shapes = resolve(merge(config, yaml.safe_load(block)))[1]["shapes"]
    scope = {}
    for _, code in cells(text):
        if "config = ModelConfig" in code:
            exec(code.partition("model = ")[0], {"ModelConfig": ModelConfig}, scope)  # noqa: S102
    model, diffusion = scope["config"].resolve()
    assert (model, diffusion) == (shapes.model, shapes.diffusion)
