"""What the Snakemake workflow catalog asks of a repository."""

import json
import os
import re
import resource
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT, code_blocks, snakemake

from sfumato.config.merge import merge
from sfumato.config.resolve import resolve
from sfumato.workflow.needed import missing

TEST = ROOT / ".test"


def test_what_it_looks_for_is_there():
    assert (ROOT / "workflow" / "Snakefile").is_file()
    assert (ROOT / "config" / "README.md").is_file() and (ROOT / "LICENSE").is_file()
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["report"] is True and usage["software-stack-deployment"]["conda"] is True
    assert {"mandatory-flags", "software-stack-deployment", "report"} == usage.keys()
    schema = json.loads((ROOT / "workflow" / "schemas" / "config.schema.json").read_text())
    assert schema["properties"].keys() == {"targets", "defaults", "experiments"}


def test_the_config_of_its_page_is_one():
    text = (ROOT / "config" / "README.md").read_text()
    own = yaml.safe_load(code_blocks(text, "yaml")[0])
    whole = merge(yaml.safe_load((ROOT / "config.yaml").read_text()), own)
    targets, experiments = resolve(whole)
    assert list(targets) == ["sevens"]
    sevens, digits = experiments["sevens"], experiments["digits"]
    assert sevens.built == ("sevens_samples.png",)
    assert (sevens.model, sevens.diffusion) == (digits.model, digits.diffusion)


def test_its_page_of_the_workflow_names_every_rule():
    page = (ROOT / "workflow" / "documentation.md").read_text()
    files = [*(ROOT / "workflow" / "rules").glob("*.smk"), ROOT / "workflow" / "Snakefile"]
    text = "\n".join(file.read_text() for file in files)
    rules = re.findall(r"^(?:use rule \w+ as|rule) (\w+)", text, re.MULTILINE)
    assert len(rules) > 20
    assert [name for name in rules if f"`{name}`" not in page] == []


def test_its_dry_run_takes_less_than_15_seconds(tmp_path):
    (tmp_path / "config.yaml").write_text((TEST / "config.yaml").read_text())
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", str(ROOT / "Snakefile")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    for name in ("forward.png", "trajectory.gif", "guided_samples.png", "training.png"):
        assert name in said
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 15


@pytest.mark.slow
def test_its_run(tmp_path):
    (tmp_path / "config.yaml").write_text((TEST / "config.yaml").read_text())
    done = snakemake(tmp_path, "--snakefile", str(ROOT / "Snakefile"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results" / "asked" / "guided_samples.png").exists()


def test_with_snakemake_alone_a_sentence_says_what_to_install(tmp_path):
    assert missing() == ""
    # Which Snakemake does not bring along.
    blocker = "import sys; sys.modules['PIL'] = None"
    (tmp_path / "sitecustomize.py").write_text(blocker)
    (tmp_path / "config.yaml").write_text((TEST / "config.yaml").read_text())
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--snakefile", str(ROOT / "Snakefile")],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in said, said
    assert "sfumato: not installed here: PIL; install what the workflow needs" in said
