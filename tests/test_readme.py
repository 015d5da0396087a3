"""What the README shows is what happens."""

import re
from operator import attrgetter

import pytest
from conftest import ROOT

from sfumato.records.artifacts import open_artifact

README = (ROOT / "README.md").read_text()


def test_the_python_in_it_runs(tmp_path, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 2
    scope = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), scope)  # noqa: S102
    assert scope["samples"].shape == (8, 28, 28, 1)
    assert scope["drawn"].images.shape == (4, 28, 28, 1)


def test_the_files_it_names_exist():
    for path in re.findall(r"\]\(([\w/.]+)\)", README):
        assert (ROOT / path).is_file(), path


def test_the_targets_it_names_exist():
    import yaml

    from sfumato.config.experiment import FIGURES

    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for name in config["experiments"]:
        assert f"`{name}`" in README
    for figure in FIGURES:
        assert f"`{figure.partition('.')[0]}`" in README


def test_the_table_of_peers_is_the_one_that_was_measured():
    measured = (ROOT / "benchmarks" / "results" / "cpu.md").read_text()
    assert " ".join(measured.split()) in " ".join(README.split())


FIGURES = sorted((ROOT / "docs/figures").glob("*.png"))


@pytest.mark.parametrize("figure", FIGURES, ids=attrgetter("name"))
def test_its_figures_say_what_made_them(figure):
    assert open_artifact(figure).record.code
