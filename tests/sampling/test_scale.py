"""Fifty thousand samples: in any number of jobs the same bytes, and no job needs more memory."""

import os

import pytest
from conftest import copy_project, snakemake, tiny_config, write_config

pytestmark = pytest.mark.slow

# Writes, when a script ends, the most memory that it ever held, in MiB.
PEAK_MEMORY = """
import atexit, os, sys

def record():
    if "--output" in sys.argv:
        name = os.path.basename(sys.argv[sys.argv.index("--output") + 1])
        peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
        with open(os.path.join({folder!r}, name), "w") as file:
            file.write(str(int(peak.split()[1]) / 1024))

atexit.register(record)
"""


def many(n_samples, shards):
    """Images as large as MNIST's: fifty thousand of them are 150 MiB."""
    changes = {
        "figures": ["ddim_samples.png"],
        "shards": shards,
        "model": {"input_dim": [28, 28, 1], "attention_levels": []},
        "sampling": {"micro_batch": 250},
        "samples": {"ddim": {"n_samples": n_samples, "steps": 2}},
    }
    return tiny_config(changes)


def test_many_samples(tmp_path):
    (tmp_path / "memory").mkdir()
    code = PEAK_MEMORY.format(folder=str(tmp_path / "memory"))
    (tmp_path / "memory" / "sitecustomize.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "memory")}
    folder = copy_project(tmp_path / "a project")

    def build(n_samples, shards):
        """Return the peak memory of the jobs, by output, and the bytes of the samples."""
        write_config(folder, many(n_samples, shards))
        done = snakemake(folder, "--cores", "2", "--resources", "gpu=2", env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        peaks = {}
        for path in (tmp_path / "memory").glob("ddim_samples*"):
            peaks[path.name] = float(path.read_text())
            path.unlink()
        return peaks, (folder / "results/tiny/ddim_samples.npz").read_bytes()

    build(500, 1)  # compiles, which takes memory of its own
    print(
        f"\n{'samples':>7} {'shards':>6}   peak memory of a job, MiB: drawing, joining, rendering"
    )
    drawing, joining, rendering, content = [], [], [], {}
    for n_samples, shards in (
        (1_000, 1),
        (10_000, 1),
        (50_000, 1),
        (1_000, 2),
        (50_000, 8),
        (50_000, 5),
    ):
        peaks, content[n_samples, shards] = build(n_samples, shards)
        rendering.append(peaks.pop("ddim_samples.png"))
        if shards > 1:
            joining.append(peaks.pop("ddim_samples.npz"))
        assert len(peaks) == shards
        drawing.append(max(peaks.values()))
        joined = f"{joining[-1]:.0f}" if shards > 1 else "-"
        print(f"{n_samples:7} {shards:6} {drawing[-1]:10.0f} {joined:>10} {rendering[-1]:10.0f}")
    assert content[50_000, 1] == content[50_000, 8] == content[50_000, 5]
    assert len(content[50_000, 1]) > 100 * 2**20
    for peaks in (drawing, joining, rendering):
        assert max(peaks) < min(peaks) + 75  # half of what the samples would take
