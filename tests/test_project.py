"""The project's own files agree with each other."""

import re
import tomllib

import pytest
import yaml
from conftest import ROOT

import sfumato


def locked(text):
    """Return the versions in a lock file by their names."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


FURTHER = {"slurm": "snakemake-executor-plugin-slurm", "docs": "sphinx"}
LOCKS = {
    name: (ROOT / f"{name}.lock").read_text()
    for name in ("requirements", *(f"requirements-{group}" for group in FURTHER))
}
LOCKED = locked(LOCKS["requirements"])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DEPENDENCIES = [
    re.match(r"[a-z0-9-]+", text).group()  # type: ignore[union-attr]
    for text in PROJECT["project"]["dependencies"]
]


@pytest.mark.parametrize(
    ("name", "least"),
    [("requirements", 80), ("requirements-slurm", 10), ("requirements-docs", 60)],
)
def test_a_lock_file_has_hashes_and_no_addresses(name, least):
    entries = re.split(r"\n(?=\S)", LOCKS[name].strip())
    assert len(entries) > least
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in LOCKS[name] and "index" not in LOCKS[name]


@pytest.mark.parametrize("group", FURTHER)
def test_what_is_needed_besides_agrees_with_what_is_locked(group):
    further = locked(LOCKS[f"requirements-{group}"])
    assert FURTHER[group] in further.keys() - LOCKED.keys()
    assert {**further, **LOCKED}.items() >= further.items()


@pytest.mark.parametrize("name", DEPENDENCIES)
def test_what_the_library_needs_is_locked_and_in_the_conda_environment(name):
    environment = yaml.safe_load((ROOT / "workflow" / "envs" / "sfumato.yaml").read_text())
    pinned = dict(pin.split("==") for pin in environment["dependencies"][-1]["pip"])
    assert set(pinned) == set(DEPENDENCIES)
    assert pinned[name] == LOCKED[name]


def test_everything_runs_the_same_checks():
    assert re.search(r"^make test$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    commands = {step.get("run") for job in jobs.values() for step in job["steps"]}
    assert ".ci/run" in commands
    assert any(command and command.endswith("snakemake -n") for command in commands)


def test_versions_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == sfumato.__version__


def test_the_results_folder_is_in_a_clone_and_what_is_built_is_not():
    assert (ROOT / "results" / ".gitignore").read_text().split()[-2:] == ["*", "!.gitignore"]


def test_every_test_that_the_page_of_faults_names_is_there():
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", (ROOT / "docs" / "faults.md").read_text())
    assert len(named) > 100
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(), f"{file}::{test}"
