"""What can go wrong on a machine, and what is lost by it: nothing. docs/reliability.md lists it."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import (
    ROOT,
    artifacts,
    slow,
    snakemake,
    some_quick,
    tiny_config,
    write_config,
)

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
    ("data.npz", "prepare_data.py:load_images:1"),
    ("checkpoint", "initialise.py:async_serialize_from_host:1"),  # orbax, at the arrays
    ("ddim_samples.npz", "sample.py:_finished:1"),
    ("trajectory.npz", "trajectory.py:join:1"),
    ("ddim_samples.png", "render.py:fsync:1"),
]
MORE_POINTS = [
    ("trajectory.gif", "render.py:save_animation:1"),
    ("checkpoint", "initialise.py:_write_metadata_after_commits:1"),  # orbax, after the arrays
    ("checkpoint", "initialise.py:_make_room:1"),
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


def remove(place, name):
    """Delete an artifact, whatever kind it is."""
    path = place / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()


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


def assert_completes(folder, *targets):
    """Run the same command again, and compare every artifact with an undisturbed build's."""
    done = snakemake(folder, *targets)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(folder.glob("results/tiny/.*.part*")), "something half-written is left"


def same(ours, theirs):
    """Tell whether two folders of results hold the same weights and bytes."""
    weights = {open_record(each / "results/tiny/checkpoint").digest for each in (ours, theirs)}
    return artifacts(ours) == artifacts(theirs) and len(weights) == 1


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


def test_the_fault_table_names_every_test_here():
    rows = re.findall(
        r"^\|.*?\| `(test_\w+)`", (ROOT / "docs" / "reliability.md").read_text(), re.M
    )
    here = [name for name in globals() if name.startswith("test_") and "fault_table" not in name]
    assert sorted(rows) == sorted(here)


NOISY = tiny_config({"samples": {"ddim": {"eta": 0.5}}})


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
        (signal.SIGKILL, False),  # its job goes on for a while, beside the second run
        (signal.SIGINT, True),  # Ctrl-C in a terminal
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


@contextlib.contextmanager
def mounted(folder, megabytes):
    """Put a small file system of its own in the place of a folder, with what was in it."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a tmpfs")
    content = folder.with_name("content")
    folder.rename(content)
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a tmpfs")
    try:
        shutil.copytree(content, folder, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize(
    "name", [slow("data.npz"), slow("checkpoint"), "ddim_samples.npz", slow("trajectory.gif")]
)
def test_a_full_disk(name, built, copied):
    results = copied / "results"
    with mounted(results, 8):
        remove(results / "tiny", name)
        filler = results / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        done = snakemake(copied, f"results/tiny/{name}")
        output = done.stdout + done.stderr
        assert done.returncode != 0
        assert not (results / "tiny" / name / "manifest.json").exists()
        assert name == "checkpoint" or not (results / "tiny" / name).exists()
        assert "No space left on device" in output and "Traceback" not in output, output
        filler.unlink()
        assert_completes(copied, f"results/tiny/{name}")
        assert same(copied, built[0])


def test_results_that_cannot_be_written(built, copied):
    results = copied / "results"
    with mounted(results, 8):
        remove(results / "tiny", "ddim_samples.png")
        subprocess.run(["mount", "-o", "remount,ro", str(results)], check=True)
        done = snakemake(copied)
        output = done.stdout + done.stderr
        assert done.returncode != 0 and "Traceback" not in output
        assert "results: this folder cannot be written to" in output
        subprocess.run(["mount", "-o", "remount,rw", str(results)], check=True)
        assert_completes(copied)
        assert same(copied, built[0])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def largest_file(checkpoint):
    files = [path for path in (checkpoint / "state").rglob("*") if path.is_file()]
    return max(files, key=lambda path: path.stat().st_size)


def edit(checkpoint, **changes):
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    (checkpoint / "manifest.json").write_text(json.dumps(manifest | changes))


DAMAGES = {
    "a flipped byte": (lambda ckpt: flip(largest_file(ckpt)), "is not what was written"),
    "a missing file": (lambda ckpt: largest_file(ckpt).unlink(), "is missing"),
    "no manifest": (lambda ckpt: (ckpt / "manifest.json").unlink(), "was never finished"),
    "another format": (lambda ckpt: edit(ckpt, format=3), "has format 3"),
    "another network": (
        lambda ckpt: edit(ckpt, model={"channels": 8}),
        "was made with model.input_dim = [28, 28, 1]",
    ),
    "other weights": (lambda ckpt: edit(ckpt, digest="0"), "its weights are not those"),
}


@pytest.mark.parametrize("damage", some_quick(DAMAGES, "a flipped byte".__eq__))
def test_a_checkpoint_with(damage, built, copied):
    """The sentence says to delete it; after that the same command makes everything right."""
    place = copied / "results" / "tiny"
    spoil, said = DAMAGES[damage]
    spoil(place / "checkpoint")
    remove(place, "ddim_samples.npz")
    remove(place, "ddim_samples.png")
    target = "results/tiny/ddim_samples.png"
    done = snakemake(copied, target)
    output = done.stdout + done.stderr
    assert done.returncode != 0 and said in output and "Traceback" not in output, output
    assert not (place / "ddim_samples.npz").exists()
    remove(place, "checkpoint")
    assert_completes(copied, target)
    assert same(copied, built[0])


FIGURES = {
    "data.npz": ["forward.npz", "forward.png"],
    "ddim_samples.npz": ["ddim_samples.png"],
    "trajectory.npz": ["trajectory.png", "trajectory.gif"],
}


@pytest.mark.parametrize("name", [slow("data.npz"), slow("trajectory.npz"), "ddim_samples.npz"])
def test_arrays_that_are_cut_short(name, built, copied):
    """The sentence says to delete the file; after that the same command makes everything right."""
    place = copied / "results" / "tiny"
    content = (place / name).read_bytes()
    (place / name).write_bytes(content[: len(content) // 2])
    for figure in FIGURES[name]:
        remove(place, figure)
    done = snakemake(copied)
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in output
    assert "this is not a whole .npz file of this workflow" in output
    remove(place, name)
    assert_completes(copied)
    assert same(copied, built[0])


@pytest.mark.slow
def test_the_clock_is_set_back(built, copied):
    """Everything there is from tomorrow: nothing runs; what must run is refused by its name."""

    def stamp(when):
        for path in [copied, *copied.rglob("*")]:
            os.utime(path, (when, when), follow_symlinks=False)

    stamp(time.time() + 86_400)
    done = snakemake(copied, "-n")
    assert "Nothing to be done" in done.stdout + done.stderr
    write_config(copied, NOISY)
    done = snakemake(copied)
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "clock skew problem" in output and "Traceback" not in output
    stamp(time.time())  # touch, as docs/reliability.md says
    assert_completes(copied)
    assert artifacts(copied)["ddim_samples.npz"] != artifacts(built[0])["ddim_samples.npz"]
    write_config(copied)
    assert_completes(copied)
    assert same(copied, built[0])


@pytest.mark.parametrize(
    "garbage", [slow(b""), slow(b"garbage"), None], ids=["empty", "other", "cut"]
)
def test_a_compilation_cache_with_garbage(garbage, built, copied, tmp_path):
    cache = tmp_path / "cache"
    shutil.copytree(os.environ["JAX_COMPILATION_CACHE_DIR"], cache)
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] if garbage is None else garbage)
    remove(copied / "results/tiny", "ddim_samples.npz")
    remove(copied / "results/tiny", "ddim_samples.png")
    done = snakemake(copied, env={**os.environ, "JAX_COMPILATION_CACHE_DIR": str(cache)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert same(copied, built[0])
