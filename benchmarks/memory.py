"""Measure memory and time as images grow in number, and in size, and sweeps in points.

python benchmarks/memory.py benchmarks/results/memory.json

Images: a job of the workflow that samples, as Snakemake's benchmark measures it. Points: the
dry-run of a sweep. Each in a folder of its own.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from graph import OURS, many_points, snakemake

SMALL = {"channels": 8, "channel_multipliers": [1], "attention_levels": [], "patch_size": 4}


def images(folder: Path, number: int) -> dict[str, float]:
    """Measure a job that draws so many small images."""
    return job(folder, {"model": SMALL, "samples": {"ddim": {"steps": 2, "n_samples": number}}})


def side(folder: Path, pixels: int) -> dict[str, float]:
    """Measure a job that draws eight images of so many pixels a side."""
    model, entry = {"input_dim": [pixels, pixels, 1]}, {"steps": 10, "n_samples": 8}
    return job(folder, {"model": model, "samples": {"ddim": entry}})


def job(folder: Path, experiment: dict[str, Any]) -> dict[str, float]:
    """Run one job that samples; return its peak memory in MB and its seconds."""
    config = {"targets": ["one"], "experiments": {"one": experiment}}
    (folder / "config.yaml").write_text(json.dumps(config))
    snakemake(folder, *OURS, "--cores", "all", "results/one/ddim_samples.npz")
    with open(folder / "results/one/benchmarks/ddim_samples.tsv") as file:
        (row,) = csv.DictReader(file, delimiter="\t")
    return {"MB": float(row["max_rss"]), "seconds": float(row["s"])}


def points(folder: Path, number: int) -> dict[str, float]:
    """Measure the dry-run of a sweep of so many points."""
    many_points(folder, number)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *OURS, "-n", "sweep_many"]
    clock = perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return {"MB": usage.ru_maxrss / 1024, "seconds": perf_counter() - clock}


CURVES = {
    "images": (images, (1_000, 10_000, 25_000, 50_000)),
    "side": (side, (28, 64, 128)),
    "points": (points, (10, 250, 500, 1_000)),
}


def draw(results: dict[str, dict[str, dict[str, float]]], path: Path) -> None:
    """Draw the curves: time and memory over the images, their pixels, and the points of a sweep."""
    import matplotlib.pyplot as plt

    names = {"side": "pixels of an image", "points": "points of a sweep"}
    figure, panels = plt.subplots(2, 3, figsize=(11, 5), sharex="col", layout="constrained")
    for column, (name, curve) in zip(panels.T, results.items(), strict=True):
        work = [int(value) ** (2 if name == "side" else 1) for value in curve]
        for axes, unit in zip(column, ("seconds", "MB"), strict=True):
            axes.plot(work, [point[unit] for point in curve.values()], "o-", color="0.3")
            axes.set_ylim(0, 1.1 * max(point[unit] for point in curve.values()))
            axes.set_ylabel(unit)
        column[-1].locator_params("x", nbins=5)
        column[-1].set_xlabel(names.get(name, name))
    figure.savefig(path, dpi=120, metadata={"Software": None})


def main(output: Path) -> None:
    """Measure, and write the numbers and the figure."""
    results: dict[str, dict[str, dict[str, float]]] = {}
    for name, (measure, values) in CURVES.items():
        for value in values:
            with tempfile.TemporaryDirectory() as folder:
                measured = measure(Path(folder), value)
            results.setdefault(name, {})[str(value)] = measured
            print(name, value, measured, file=sys.stderr)
    output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    draw(results, output.with_suffix(".png"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
