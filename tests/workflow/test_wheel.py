"""A wheel brings the workflow, which runs where there is no clone."""

import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, code_blocks

from sfumato.project import how_to_call

PAGE = (ROOT / "docs" / "module.md").read_text()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder in which the wheel was unpacked, as pip does."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        assert not [name for name in packed.namelist() if "/tests/" in name or "pyc" in name]
        packed.extractall(place / "site")
    return place / "site"


def run(site, folder, *command):
    """Run a command in a folder, with the unpacked wheel and without the clone."""
    environment = os.environ | {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def jobs(said):
    """Return what a dry-run would write."""
    return {name for line in re.findall(r"output: (.*)", said) for name in line.split(", ")}


def test_the_library_finds_what_comes_with_it(site, tmp_path):
    code = (
        "import sfumato, sfumato.project as p; from sfumato.learning import SHIPPED;"
        "print(p.SNAKEFILE, *sorted(each.name for each in SHIPPED.iterdir()), p.cache())"
    )
    packed = site / "sfumato" / "project"
    expected = f"{packed / 'workflow' / 'Snakefile'} digits fashion mnist {tmp_path / '.cache'}"
    assert run(site, tmp_path, "-c", code).strip() == expected


def test_its_code_is_that_of_the_clone(site, tmp_path):
    code = (
        "from sfumato.records.code import code_of; from sfumato.workflow.lookup import stage\n"
        "print(*(code_of(stage(name)) for name in ('prepare_data', 'train', 'sample')))"
    )
    here = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert run(site, tmp_path, "-c", code) == here.stdout
    assert len({*here.stdout.split()}) == 3


def test_the_commands_that_it_prints_find_what_comes_with_it(site, tmp_path):
    code = "import sfumato.project as p; print(p.how_to_call({!r}))"
    for program, path in (
        ("explain.py", "scripts/explain.py"),
        ("snakemake", "workflow/Snakefile"),
    ):
        called = run(site, tmp_path, "-c", code.format(program)).strip()
        run_by_a_shell = "import subprocess, sys; subprocess.run(['bash', '-c', sys.argv[1]])"
        words = f'python() {{ {sys.executable} "$@"; }}; set -- {called}; echo $# "${{@: -1}}"'
        said = run(site, tmp_path, "-c", run_by_a_shell, words).split()
        assert said == ["2" if path.startswith("s") else "3", str(site / "sfumato/project" / path)]


def test_the_commands_that_a_clone_prints_run_where_they_are_printed(tmp_path, monkeypatch):
    assert how_to_call("snakemake") == "snakemake"
    assert how_to_call("explain.py") == "python scripts/explain.py"
    named = how_to_call("explain.py", Path("-a b.png"), "--config")
    assert named == "python scripts/explain.py './-a b.png' --config"
    monkeypatch.chdir(tmp_path)
    *python, script = shlex.split(how_to_call("explain.py"))
    assert python == ["python"] and os.path.samefile(script, ROOT / "scripts" / "explain.py")
    *called, file = shlex.split(how_to_call("snakemake"))
    assert called == ["snakemake", "-s"] and os.path.samefile(file, ROOT / "workflow" / "Snakefile")


def test_the_config_of_the_page_runs_from_the_wheel(site, tmp_path):
    config = code_blocks(PAGE, "yaml")[0]
    (tmp_path / "config.yaml").write_text(config)
    snakefile = site / "sfumato" / "project" / "workflow" / "Snakefile"
    said = run(site, tmp_path, "-m", "snakemake", "-s", str(snakefile), "-n", "--cores", "1")
    assert "results/sevens/sevens_samples.png" in jobs(said)
    assert str(ROOT / "src") not in said and str(ROOT / "workflow") not in said


def test_the_module_of_the_page_runs_from_the_wheel(site, tmp_path):
    config = yaml.safe_load(code_blocks(PAGE, "yaml")[0])
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"pictures": config}))
    (tmp_path / "Snakefile").write_text(code_blocks(PAGE, "python")[-1])
    said = run(site, tmp_path, "-m", "snakemake", "-n", "--cores", "1")
    assert "diffusion/results/sevens/sevens_samples.png" in jobs(said)


@pytest.mark.slow
def test_it_draws_from_the_wheel(site, tmp_path):
    snakefile = site / "sfumato" / "project" / "workflow" / "Snakefile"
    run(site, tmp_path, "-m", "snakemake", "-s", str(snakefile), "--cores", "1", "digits")
    assert (tmp_path / "results" / "digits" / "digits_samples.png").is_file()
