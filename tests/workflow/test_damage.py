"""Full disks, read-only results, damaged files, a clock set back: see docs/reliability.md."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time

import pytest
import test_faults
from conftest import ROOT, artifacts, slow, snakemake, some_quick, write_config
from recovery import NOISY, assert_completes, remove, same


def test_the_fault_table_names_every_test():
    rows = re.findall(
        r"^\|.*?\| `(test_\w+)`", (ROOT / "docs" / "reliability.md").read_text(), re.M
    )
    names = [*vars(test_faults), *globals()]
    tests = [name for name in names if name.startswith("test_") and "fault" not in name]
    assert sorted(rows) == sorted(tests)


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
    "name", [*map(slow, ("data.npz", "checkpoint", "ddim_samples.npz", "trajectory.gif"))]
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


SEEN_BY_THE_JOB = {
    "a flipped byte": (lambda ckpt: flip(largest_file(ckpt)), "is not what was written"),
    "other weights": (lambda ckpt: edit(ckpt, digest="0"), "its weights are not those"),
}
SEEN_BEFORE = {
    "a missing file": (lambda ckpt: largest_file(ckpt).unlink(), "is missing; it is made again"),
    "no manifest": (lambda ckpt: (ckpt / "manifest.json").unlink(), "was never finished; it is ma"),
    "another network": (
        lambda ckpt: edit(ckpt, model={"channels": 8}),
        "model.channels is 8 and 4 in two places); it is made again",
    ),
    "another format": (lambda ckpt: edit(ckpt, format=3), "has format 3"),
}
TARGET = "results/tiny/ddim_samples.png"


def with_damage(copied, spoil):
    """Spoil the checkpoint, delete what is drawn with it, and ask for the figure again."""
    place = copied / "results" / "tiny"
    spoil(place / "checkpoint")
    remove(place, "ddim_samples.npz")
    remove(place, "ddim_samples.png")
    done = snakemake(copied, TARGET)
    return done.returncode, done.stdout + done.stderr, place


@pytest.mark.parametrize("damage", some_quick(SEEN_BY_THE_JOB, "a flipped byte".__eq__))
def test_a_checkpoint_with(damage, built, copied):
    """The sentence says to delete it; after that the same command makes everything right."""
    spoil, said = SEEN_BY_THE_JOB[damage]
    code, output, place = with_damage(copied, spoil)
    assert code != 0 and said in output and "Traceback" not in output, output
    assert not (place / "ddim_samples.npz").exists()
    remove(place, "checkpoint")
    assert_completes(copied, TARGET)
    assert same(copied, built[0])


@pytest.mark.parametrize("damage", some_quick(SEEN_BEFORE, "no manifest".__eq__))
def test_a_checkpoint_that_is_not_whole_is_made_again(damage, built, copied):
    spoil, said = SEEN_BEFORE[damage]
    code, output, _ = with_damage(copied, spoil)
    assert code == 0 and said in output and "Traceback" not in output, output
    assert same(copied, built[0])


FIGURES = {
    "data.npz": ["forward.npz", "forward.png"],
    "ddim_samples.npz": ["ddim_samples.png"],
    "trajectory.npz": ["trajectory.png", "trajectory.gif"],
}


@pytest.mark.parametrize("name", [slow("data.npz"), slow("trajectory.npz"), "ddim_samples.npz"])
def test_arrays_that_are_cut_short(name, built, copied):
    """A line says so, and what is cut short is made again with what is made from it."""
    place = copied / "results" / "tiny"
    content = (place / name).read_bytes()
    (place / name).write_bytes(content[: len(content) // 2])
    for figure in FIGURES[name]:
        remove(place, figure)
    done = snakemake(copied)
    output = done.stdout + done.stderr
    assert done.returncode == 0 and "Traceback" not in output
    assert re.search(rf"{name}: this is not a whole .npz file .*; it is made again", output)
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
    "garbage", [*map(slow, (b"", b"garbage", None))], ids=["empty", "other", "cut"]
)
def test_a_compilation_cache_with_garbage(garbage, built, copied, tmp_path):
    cache = tmp_path / "cache"

    def draw_again():
        remove(copied / "results/tiny", "ddim_samples.npz")
        remove(copied / "results/tiny", "ddim_samples.png")
        done = snakemake(copied, env={**os.environ, "JAX_COMPILATION_CACHE_DIR": str(cache)})
        assert done.returncode == 0, done.stdout + done.stderr
        assert same(copied, built[0])
        return {path: path.stat().st_mtime for path in cache.glob("*-cache")}

    files = draw_again()
    assert len(files) > 5
    for path in files:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] if garbage is None else garbage)
        os.utime(path, (0, 0))
    written = draw_again()
    assert written.keys() == files.keys() and all(written.values())
    files = draw_again()
    assert files == written
