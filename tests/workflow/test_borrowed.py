"""What one experiment reads of another's checkpoint is known by the next run; this one says so."""

import json
import shutil

import pytest
from conftest import ROOT, snakemake, tiny_config, write_config

from sfumato.config.resolve import resolve
from sfumato.workflow.borrowed import Loan, borrowed, say_what_changed

SHIPPED = ROOT / "resources" / "pretrained" / "mnist" / "manifest.json"
GUIDANCE = {"method": "auto", "checkpoint": "results/lends/checkpoint"}
READERS = {
    "adopts": {"weights": {"source": "pretrained", "folder": "results/lends/checkpoint"}},
    "guided": {"samples": {"ddim": {"guidance": GUIDANCE}}},
    "elsewhere": {"weights": {"source": "pretrained", "folder": "own/checkpoint"}},
    "none": {},
}


@pytest.fixture
def lent(tmp_path, monkeypatch):
    """Put manifests where checkpoints are: more is not looked at. Return that of `lends`."""
    monkeypatch.chdir(tmp_path)
    for name in ("results/lends", "own"):
        (tmp_path / name / "checkpoint").mkdir(parents=True)
        shutil.copy(SHIPPED, tmp_path / name / "checkpoint")
    return tmp_path / "results" / "lends" / "checkpoint" / "manifest.json"


def test_readers_of_a_checkpoint_in_results(lent, capsys):
    experiments = resolve({"targets": ["none"], "experiments": READERS})[1]
    before = borrowed(experiments, READERS)
    manifest = json.loads(lent.read_text())
    folder = lent.parent.relative_to(lent.parents[3])
    assert before == {Loan(each, folder): manifest["digest"] for each in ("adopts", "guided")}
    say_what_changed(before)
    assert capsys.readouterr().err == ""

    lent.write_text(json.dumps(manifest | {"digest": "0" * 64}))
    say_what_changed(before)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["adopts", "guided"]
    assert all("reads results/lends/checkpoint, which was made again; run the" in x for x in lines)

    lent.unlink()
    say_what_changed(before)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_the_run_that_makes_it_again_says_so(project):
    both = [f"results/{name}/checkpoint" for name in ("lends", "reads")]
    weights = {"source": "pretrained", "folder": both[0]}
    config = tiny_config() | {"targets": ["lends"]}

    def run(seed, **more):
        config["experiments"] = {"lends": {"seed": seed}, **more}
        write_config(project, config)
        done = snakemake(project, *both[: len(config["experiments"])])
        return done.stdout + done.stderr

    run(1)
    reads = {"weights": weights}
    assert "which was made again" not in run(1, reads=reads)
    assert f"reads: reads {both[0]}, which was made again" in run(2, reads=reads)
    again = run(2, reads=reads)
    assert "rule adopt:" in again and "which was made again" not in again


def test_sweeps_and_modules_are_readers_too(tmp_path, monkeypatch):
    """A module's results are below its prefix."""
    monkeypatch.chdir(tmp_path)
    folders = ["diffusion/results/lends/checkpoint", "results/worse/checkpoint"]
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
        shutil.copy(SHIPPED, tmp_path / folder)
    weights = {"source": "finetuned", "folder": folders[0]}
    guidance = {"method": "auto", "checkpoint": folders[1]}
    samples = {"ddim": {"guidance": guidance}}
    sweeps = {"scales": {"of": "ddim", "over": {"guidance.checkpoint": folders}}}
    experiments = {"a": {"weights": weights}, "b": {"samples": samples, "sweeps": sweeps}}
    found = borrowed(resolve({"targets": ["a"], "experiments": experiments})[1], experiments)
    assert [(each.reader, str(each.folder)) for each in found] == [
        *(("a", folders[0]), ("b", folders[1]), ("b", folders[0]))
    ]
