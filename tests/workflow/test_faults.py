"""What can go wrong on a machine, and what is lost by it: nothing. docs/reliability.md lists it."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import (
    artifacts,
    slow,
    snakemake,
    tiny_config,
    write_config,
)
from recovery import NOISY, assert_completes, remove, same

from sfumato.records.opening import open_record

# Kills its process group at the n-th call of a function, in one script.
KILLER = """
import os, signal, sys, threading

script, function, count = os.environ.get("KILL_AT", "::0").split(":")
calls = []

def hook(frame, event, argument):
    if event not in ("call", "c_call"):
        return
    name = frame.f_code.co_name if event == "call" else argument.__name__
    if name == function:
        calls.append(name)
        if len(calls) == int(count):
            os.killpg(0, signal.SIGKILL)

if script and any(word.endswith("/" + script) for word in sys.orig_argv):
    threading.setprofile(hook)
    sys.setprofile(hook)
"""
# The job alone: Snakemake lives on, and says so.
JOB_KILLER = KILLER.replace("os.killpg(0, signal.SIGKILL)", "os.kill(os.getpid(), signal.SIGKILL)")
# The second of two shards, when the other is there.
SHARD_KILLER = KILLER.replace("if script and", "if glob('results/*/shards/*.npz') and")
SHARD_KILLER = SHARD_KILLER.replace("import os", "from glob import glob\nimport os")

POINTS = [
    ("checkpoint", "initialise.py:async_serialize_from_host:1"),  # orbax, at the arrays
    ("ddim_samples.npz", "sample.py:_finished:1"),
    ("ddim_samples.png", "render.py:fsync:1"),
]
MORE_POINTS = [
    ("data.npz", "prepare_data.py:load_images:1"),
    ("trajectory.npz", "trajectory.py:join:1"),
    ("trajectory.gif", "render.py:save_animation:1"),
    ("checkpoint", "initialise.py:_write_metadata_after_commits:1"),  # orbax, after the arrays
    ("checkpoint", "initialise.py:folder_aside:1"),
    ("checkpoint", "initialise.py:_read_back:1"),
    ("checkpoint", "initialise.py:write_text:1"),
    ("ddim_samples.npz", "sample.py:fsync:1"),
    ("data.npz", "prepare_data.py:fsync:1"),
    ("ddim_samples.npz", "sample.py:save_measurement:1"),
    ("data.npz", "prepare_data.py:_write_npz:1"),
    ("checkpoint", "initialise.py:initialise:1"),
    ("checkpoint", "initialise.py:rename:1"),  # orbax, before it gives its folder the right name
    ("forward.npz", "forward.py:forward_path:1"),
    ("ddim_samples.npz", "sample.py:load_checkpoint:1"),
    ("trajectory.npz", "trajectory.py:evenly_spaced:1"),
    ("ddim_samples.png", "render.py:savefig:1"),
]


@pytest.fixture(scope="module", autouse=True)
def interruptible():
    """A shell that starts the tests in the background has them and their children ignore Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def kill_at(point, tmp_path, code=KILLER):
    """Return the environment in which the jobs of a Snakemake are killed at a point."""
    folder = tmp_path / "killer"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": str(folder), "KILL_AT": point}


def start(folder, *arguments, **environment):
    """Start Snakemake in a session, and so a process group, of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1", *arguments],
        cwd=folder,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    ("name", "point"),
    [
        pytest.param(*each, id=each[1], marks=[pytest.mark.slow] if each in MORE_POINTS else [])
        for each in [*POINTS, *MORE_POINTS]
    ],
)
def test_sigkill_of_everything_at(name, point, built, copied, tmp_path):
    """No artifact is there after the kill, and the same command then makes the right one."""
    place = copied / "results" / "tiny"
    remove(place, name)
    target = f"results/tiny/{name}"
    killed = start(copied, target, **kill_at(point, tmp_path))
    output, _ = killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL, output
    if name == "checkpoint":
        assert not (place / name / "manifest.json").exists()
    elif not point.endswith("save_measurement:1"):
        assert not (place / name).exists()
    assert_completes(copied, target)
    assert same(copied, built[0])


def test_a_failed_job_leaves_nothing_stale(copied, tmp_path):
    """It takes its old result away; the old figure must not then look up to date."""
    old = artifacts(copied)["ddim_samples.png"]
    write_config(copied, NOISY)
    killed = start(copied, **kill_at("sample.py:_finished:1", tmp_path, JOB_KILLER))
    output, _ = killed.communicate(timeout=120)
    assert killed.returncode == 1 and "Error in rule sample" in output
    assert not (copied / "results/tiny/ddim_samples.npz").exists()
    assert_completes(copied)
    record = open_record(copied / "results/tiny/ddim_samples.npz").record
    assert record.settings["samples"]["ddim"]["eta"] == 0.5
    assert artifacts(copied)["ddim_samples.png"] != old


@pytest.mark.slow
def test_sigkill_of_one_job(built, copied, tmp_path):
    """As a system short of memory does: Snakemake says which job, and keeps nothing of it."""
    remove(copied / "results/tiny", "ddim_samples.npz")
    environment = kill_at("sample.py:_finished:1", tmp_path, JOB_KILLER)
    killed = start(copied, "results/tiny/ddim_samples.npz", **environment)
    output, _ = killed.communicate(timeout=120)
    assert killed.returncode == 1 and "Error in rule sample" in output
    assert not (copied / "results/tiny/ddim_samples.npz").exists()
    assert_completes(copied, "results/tiny/ddim_samples.npz")
    assert same(copied, built[0])


@pytest.mark.slow
def test_sigkill_of_one_shard_reruns_it_alone(built, copied, tmp_path):
    """The shard that was whole is kept; the other one and the joining are all that runs."""
    write_config(copied, tiny_config({"shards": 2}))
    remove(copied / "results/tiny", "ddim_samples.npz")
    target = "results/tiny/ddim_samples.png"
    killed = start(copied, target, **kill_at("sample.py:_finished:1", tmp_path, SHARD_KILLER))
    output, _ = killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL, output
    assert len(list(copied.glob("results/tiny/shards/ddim*.npz"))) == 1
    done = snakemake(copied, target)
    output = done.stdout + done.stderr
    assert done.returncode == 0 and output.count("rule sample_shard:") == 1, output
    assert same(copied, built[0])


LONG = tiny_config(
    {
        "figures": ["ddpm_samples.png"],
        "samples": {"ddpm": {"n_samples": 2000}},
        "render": {"dpi": 20},
    }
)


@pytest.fixture(scope="module")
def undisturbed(built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "a project"
    shutil.copytree(built[0], folder, symlinks=True)
    write_config(folder, LONG)
    assert snakemake(folder).returncode == 0
    return folder


@pytest.fixture
def sampling(undisturbed, tmp_path):
    """Return a project whose long sampling has begun, and its Snakemake."""
    folder = tmp_path / "a project"
    shutil.copytree(undisturbed, folder)
    remove(folder / "results/tiny", "ddpm_samples.npz")
    remove(folder / "results/tiny", "ddpm_samples.png")
    log = folder / "results/tiny/logs/ddpm_samples.log"
    log.unlink()
    process = start(folder)
    deadline = time.monotonic() + 120
    while not 5 < progress_of(log) < 95:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    yield folder, process
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def progress_of(log):
    """Return the share of the steps that a sampling log's progress bar has reached, in per cent."""
    found = re.findall(r"(\d+)%\|", log.read_text()) if log.exists() else []
    return int(found[-1]) if found else 0


@pytest.mark.parametrize(
    ("number", "whole_group"),
    [
        (signal.SIGKILL, True),
        slow(signal.SIGKILL, False),  # its job goes on for a while, beside the second run
        slow(signal.SIGINT, True),  # Ctrl-C in a terminal
        slow(signal.SIGINT, False),
        slow(signal.SIGTERM, True),  # a machine that shuts down
        slow(signal.SIGTERM, False),
    ],
    ids=lambda value: {True: "all", False: "snakemake alone"}.get(value, str(value)),
)
def test_a_signal_in_the_middle_of_sampling(number, whole_group, sampling, undisturbed):
    folder, process = sampling
    if whole_group:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    output, _ = process.communicate(timeout=120)
    assert process.returncode != 0 and "Traceback" not in output
    if whole_group and number == signal.SIGKILL:  # else a job may come to its end
        assert not (folder / "results/tiny/ddpm_samples.npz").exists()
    assert_completes(folder)
    assert artifacts(folder) == artifacts(undisturbed)


@pytest.mark.slow
def test_two_at_once(sampling, undisturbed):
    """The second is refused, the first goes on."""
    folder, first = sampling
    os.killpg(first.pid, signal.SIGSTOP)  # however slow the machine, it does not end before
    second = snakemake(folder)
    os.killpg(first.pid, signal.SIGCONT)
    assert second.returncode != 0 and "cannot be locked" in second.stdout + second.stderr
    assert "Traceback" not in second.stdout + second.stderr
    assert first.wait(timeout=120) == 0
    assert snakemake(folder, "-n").returncode == 0
    assert artifacts(folder) == artifacts(undisturbed)
