"""The workflow on a Slurm cluster of this one machine. `make test-slurm` runs it."""

import hashlib
import shutil
import subprocess
import sys
from contextlib import contextmanager
from datetime import datetime
from itertools import combinations

import pytest
import slurm_cluster
from conftest import copy_project, snakemake
from slurm_cluster import wait_for, without_gpus

pytestmark = pytest.mark.slurm

ON_SLURM = (
    *(sys.executable, "-m", "snakemake", "--profile", "profiles/slurm"),
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"),
)
"""The cluster keeps no accounts, so squeue is asked; and jobs take seconds."""

SAMPLES = "results/tiny/ddim_samples.npz"
GPU_RULES = ("rule_initialise", "rule_forward_arrays", "rule_sample", "rule_trajectory_arrays")


@pytest.fixture(scope="module", autouse=True)
def cluster():
    if sentence := slurm_cluster.obstacle():
        pytest.fail(sentence, pytrace=False)
    with slurm_cluster.slurm_cluster():
        yield


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """Return a folder with the tiny experiment, built without Slurm."""
    folder = copy_project(tmp_path_factory.mktemp("local") / "project")
    assert snakemake(folder, "--cores", "2").returncode == 0
    return folder


@pytest.fixture
def unsampled(local, tmp_path):
    """Return a copy of that folder in which one job is to be done again."""
    folder = tmp_path / "a project"
    shutil.copytree(local, folder)
    for file in folder.glob("results/tiny/**/ddim_samples*"):
        file.unlink()
    return folder


@pytest.fixture
def clean(monkeypatch):
    """Let nothing that the tests set tell jobs where to find things."""
    for name in ("JAX_COMPILATION_CACHE_DIR", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.delenv(name, raising=False)


def test_the_whole_experiment_as_slurm_jobs(local, project, clean):
    run = subprocess.run(ON_SLURM, cwd=project, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert digests(project) == digests(local)
    assert "Nothing to be done" in snakemake(project).stderr
    check_what_slurm_was_asked_for(jobs_of(project))
    # Jobs ran this copy of the library, and kept what they compiled in its cache.
    assert list(project.glob("src/sfumato/sampling/__pycache__/batches.*.pyc"))
    assert list(project.glob(".cache/jax/*"))


def check_what_slurm_was_asked_for(jobs):
    assert len(jobs) == 6  # figures are drawn where snakemake runs
    assert all(job["JobState"] == "COMPLETED" for job in jobs.values())
    for comment, job in jobs.items():
        gpus = "gres:gpu:1" if comment.startswith(GPU_RULES) else None
        assert job.get("TresPerJob") == gpus, comment
    sample = jobs["rule_sample_wildcards_tiny_ddim"]
    assert (sample["MinMemoryNode"], sample["TimeLimit"]) == ("4000M", "02:00:00")
    assert sample["CPUs/Task"] == "8"
    # The default profile's limit of one GPU is not one for the whole cluster.
    gpu_jobs = [job for job in jobs.values() if "TresPerJob" in job]
    assert any(at_once(*pair) for pair in combinations(gpu_jobs, 2))


def at_once(a, b):
    """Tell whether two jobs ran at the same time."""
    times = [
        datetime.fromisoformat(job[name]) for name in ("StartTime", "EndTime") for job in (a, b)
    ]
    return max(times[:2]) < min(times[2:])


def test_no_gpu_is_asked_for_where_the_profile_says_so(unsampled):
    profile = unsampled / "profiles" / "slurm" / "config.yaml"
    profile.write_text(without_gpus(profile.read_text()))
    assert subprocess.run([*ON_SLURM, SAMPLES], cwd=unsampled).returncode == 0
    (job,) = jobs_of(unsampled).values()
    assert "TresPerJob" not in job


def test_an_environment_whose_path_has_a_space_is_refused(project, tmp_path):
    (tmp_path / "an environment").symlink_to(sys.prefix)
    python = tmp_path / "an environment" / "bin" / "python"
    run = subprocess.run([python, *ON_SLURM[1:]], cwd=project, capture_output=True, text=True)
    assert run.returncode != 0 and "put the environment elsewhere" in run.stderr
    assert "Traceback" not in run.stderr and not jobs_of(project)


def test_after_scancel_nothing_half_done_is_left(local, unsampled):
    with sampling(unsampled) as (process, job):
        slurm_cluster.output("scancel", job["JobId"])
        printed, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert f"SLURM-job '{job['JobId']}' failed, SLURM status is: 'CANCELLED'" in printed
    assert not list(unsampled.glob("results/tiny/ddim_samples*"))
    assert subprocess.run([*ON_SLURM, SAMPLES], cwd=unsampled).returncode == 0
    assert (unsampled / SAMPLES).read_bytes() == (local / SAMPLES).read_bytes()


def test_after_a_kill_of_snakemake_cancel_the_job_and_run_again(local, unsampled):
    with sampling(unsampled) as (process, job):
        process.kill()
    refused = subprocess.run([*ON_SLURM, SAMPLES], cwd=unsampled, capture_output=True, text=True)
    if refused.returncode:  # else the job came to its end before, and its result is right
        assert "Directory cannot be locked" in refused.stderr
    slurm_cluster.output("scancel", job["JobId"])
    wait_for(lambda: not slurm_cluster.output("squeue", "--noheader"), "the end of the job")
    assert subprocess.run([*ON_SLURM, SAMPLES], cwd=unsampled).returncode == 0
    assert (unsampled / SAMPLES).read_bytes() == (local / SAMPLES).read_bytes()


@contextmanager
def sampling(folder):
    """Start Snakemake; give it and its one job, at work; let no process outlive a failed test."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([*ON_SLURM, SAMPLES], cwd=folder, **streams) as process:
        try:
            wait_for((folder / "results/tiny/logs/ddim_samples.log").exists, "the job")
            (job,) = jobs_of(folder).values()
            assert job["JobState"] == "RUNNING"
            yield process, job
        finally:
            process.kill()


def jobs_of(folder):
    """Return Slurm's jobs of a folder by their comments, which name rule and wildcards."""
    return {j["Comment"]: j for j in slurm_cluster.jobs() if j["WorkDir"] == str(folder)}


def digests(folder):
    """Return the digest of every array and every picture."""
    files = [f for f in folder.glob("results/**/*") if f.suffix in (".npz", ".png", ".gif")]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
