"""Measure memory and time of the job that samples as its images grow in number, and in size.

python benchmarks/scale.py benchmarks/results/scale.json

Each point is a job of the workflow in a folder of its own; memory and seconds are those that
Snakemake's benchmark writes down.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SNAKEFILE = Path(__file__).resolve().parents[1] / "Snakefile"
SMALL = {"channels": 8, "channel_multipliers": [1], "attention_levels": [], "patch_size": 4}
CURVES: dict[str, dict[int, dict[str, Any]]] = {
    "images": {
        number: {"model": SMALL, "samples": {"ddim": {"steps": 2, "n_samples": number}}}
        for number in (1_000, 10_000, 25_000, 50_000)
    },
    "side": {
        side: {
            "model": {"input_dim": [side, side, 1]},
            "samples": {"ddim": {"steps": 10, "n_samples": 8}},
        }
        for side in (28, 64, 128)
    },
}


def job(folder: Path, experiment: dict[str, Any]) -> dict[str, float]:
    """Run one job; return its peak memory in MB and its seconds, as Snakemake measured them."""
    config = {"targets": ["one"], "experiments": {"one": experiment}}
    (folder / "config.yaml").write_text(json.dumps(config))
    command = ["--snakefile", str(SNAKEFILE), "--cores", "all", "--quiet=all"]
    subprocess.run(
        [sys.executable, "-m", "snakemake", *command, "results/one/ddim_samples.npz"],
        cwd=folder,
        check=True,
    )
    with open(folder / "results/one/benchmarks/ddim_samples.tsv") as file:
        (row,) = csv.DictReader(file, delimiter="\t")
    return {"MB": float(row["max_rss"]), "seconds": float(row["s"])}


def draw(results: dict[str, dict[str, dict[str, float]]], path: Path) -> None:
    """Draw the curves: time and memory over the number of images, and over their pixels."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(2, 2, figsize=(8, 5.5), sharex="col", layout="constrained")
    for column, (name, curve) in zip(panels.T, results.items(), strict=True):
        work = [int(value) ** (2 if name == "side" else 1) for value in curve]
        for axes, unit in zip(column, ("seconds", "MB"), strict=True):
            axes.plot(work, [point[unit] for point in curve.values()], "o-", color="0.3")
            axes.set_ylim(bottom=0)
            axes.set_ylabel(unit)
        column[-1].set_xlabel("pixels of an image" if name == "side" else name)
    figure.savefig(path, dpi=120, metadata={"Software": None})


def main(output: Path) -> None:
    """Measure, and write the numbers and the figure."""
    results: dict[str, dict[str, dict[str, float]]] = {}
    for name, points in CURVES.items():
        for value, experiment in points.items():
            with tempfile.TemporaryDirectory() as folder:
                measured = job(Path(folder), experiment)
            results.setdefault(name, {})[str(value)] = measured
            print(name, value, measured, file=sys.stderr)
    output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    draw(results, output.with_suffix(".png"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
