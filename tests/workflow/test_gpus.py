"""Jobs that run at a time on one machine see GPUs of their own."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT, snakemake

from sfumato.workflow import gpus
from sfumato.workflow.gpus import JOBS, VISIBLE, take_gpus

TAKE = "from sfumato.workflow.gpus import take_gpus; take_gpus(); import os; "
SAY_AND_WAIT = f"{TAKE} print(os.environ.get({VISIBLE!r}), flush=True); input()"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Make a machine with four GPUs, of which none is taken."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    driver = tmp_path / "driver"
    for i in range(4):
        (driver / f"0000:0{i}:00.0").mkdir(parents=True)
    monkeypatch.setattr(gpus, "DRIVER", driver)
    monkeypatch.delenv(VISIBLE, raising=False)


@pytest.fixture
def job(machine):
    """Return a function that starts a job, and returns it and the GPUs that it sees."""
    started = []

    def start(jobs, visible):
        environment = os.environ | {
            JOBS: str(jobs),
            VISIBLE: visible,
            "PYTHONPATH": str(ROOT / "src"),
        }
        process = subprocess.Popen(
            [sys.executable, "-c", SAY_AND_WAIT],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_each_job_sees_another_gpu(job):
    assert [job(4, "0,1,2,3")[1] for _ in range(4)] == ["0", "1", "2", "3"]


def test_fewer_jobs_see_several_each(job):
    assert [job(2, "0,1,2,GPU-8a")[1] for _ in range(2)] == ["0,1", "2,GPU-8a"]


def test_a_job_that_was_killed_leaves_its_gpu(job):
    first, seen = job(2, "0,1")
    assert seen == "0" and job(2, "0,1")[1] == "1"
    first.kill()
    first.wait()
    assert job(2, "0,1")[1] == "0"


def test_more_jobs_than_gpus_share_them(job):
    assert job(3, "0,1")[1] == "0,1"
    assert [job(2, "0,1")[1] for _ in range(3)][-1] == "0,1"


def test_the_gpus_of_the_machine_are_counted(machine, monkeypatch):
    monkeypatch.setenv(JOBS, "2")
    take_gpus()
    assert os.environ.pop(VISIBLE) == "0,1"


def test_one_job_at_a_time_sees_all(machine, monkeypatch):
    take_gpus()
    monkeypatch.setattr(gpus, "DRIVER", gpus.DRIVER / "none")
    monkeypatch.setenv(JOBS, "4")
    take_gpus()
    assert VISIBLE not in os.environ


@pytest.mark.parametrize("jobs, expected", [(2, "2"), (1, "")])
def test_the_workflow_says_how_many_jobs_there_are(copied, jobs, expected):
    """A job that says it in place of its work."""
    script = copied / "scripts" / "forward.py"
    script.write_text(f"import os, sys; sys.exit('jobs: ' + os.environ.get({JOBS!r}, ''))\n")
    (copied / "results" / "tiny" / "forward.npz").unlink()
    resources = ["--resources", f"gpu={jobs}"]
    snakemake(copied, *resources, "--", "results/tiny/forward.npz")
    log = copied / "results" / "tiny" / "logs" / "forward.log"
    assert log.read_text() == f"jobs: {expected}\n"
