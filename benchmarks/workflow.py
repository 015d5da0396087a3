"""Time the whole workflow: from nothing, figure by figure, and beside the seed's demo on Artifex.

python benchmarks/workflow.py --peers PYTHON --output benchmarks/results/workflow.json

It works in an empty folder, with a compilation cache of its own. Each job's seconds are those that
Snakemake measures, with Python's start and imports.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EXPERIMENT = Path("results/diffusion_mnist")
FIGURES = ("ddpm_samples", "ddim_samples", "trajectory")  # and the jobs that draw their arrays
REPEAT = 3
SETTINGS = json.dumps(
    {name: {} for name in ("model", "diffusion", "sampling", "trajectory")}
    | {"seed": 0, "samples": {"ddpm": {"sampler": "ddpm", "steps": 1000}}}
)


def snakemake(folder: Path, *words: str) -> float:
    """Run it in a folder, on one core, and return the seconds it took."""
    command = [sys.executable, "-m", "snakemake", "--quiet", "all", "--cores", "1"]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder), *words]
    clock = perf_counter()
    subprocess.run(
        command,
        check=True,
        capture_output=True,
        env={**os.environ, "JAX_COMPILATION_CACHE_DIR": str(folder / "cache")},
    )
    return perf_counter() - clock


def jobs(folder: Path) -> dict[str, float]:
    """Return the seconds of each job that ran."""
    tables = (folder / EXPERIMENT / "benchmarks").glob("*.tsv")
    return {table.stem: float(table.read_text().splitlines()[1].split()[0]) for table in tables}


def loops(folder: Path) -> dict[str, float]:
    """Return the seconds that the sampling loops ran for; the trajectory's, run again."""
    from sfumato.sampling.draw import Entry
    from sfumato.sampling.samples import join
    from sfumato.workflow.settings import read_settings
    from sfumato.workflow.stages.trajectory import STAGE, Settings

    settings = read_settings(Settings, SETTINGS)
    entry = Entry.restore(settings, folder / EXPERIMENT / "checkpoint", STAGE.stream)
    samples = join(entry.draw(range(1), range(0, 1001, 20)))
    timings = {
        name: json.loads((folder / EXPERIMENT / f"{name}.timing.json").read_text())["seconds"]
        for name in FIGURES[:2]
    }
    timings[FIGURES[2]] = samples.seconds
    return {name: seconds["run"] for name, seconds in timings.items()}


def again(folder: Path, target: str) -> float:
    """Draw the samples of one figure again, and the figure."""
    figure = folder / EXPERIMENT / target
    figure.unlink()
    arrays = figure.with_suffix(".npz")
    arrays.chmod(0o644)
    arrays.unlink()
    return snakemake(folder, str(EXPERIMENT / target))


def measure(folder: Path) -> dict[str, Any]:
    """Build everything in an empty folder, then parts of it again."""
    whole = snakemake(folder, EXPERIMENT.name)
    results: dict[str, Any] = {"from nothing": whole, "jobs": jobs(folder)}
    results["loops"] = loops(folder)
    dry = ("--dry-run", EXPERIMENT.name)
    results["dry-run"] = statistics.median(snakemake(folder, *dry) for _ in range(REPEAT))
    results["again"] = {name: {"whole": again(folder, f"{name}.png")} for name in FIGURES}
    seconds, loop = jobs(folder), loops(folder)
    for name, result in results["again"].items():
        result |= {"job": seconds[name], "render": seconds[f"render_{name}"], "loop": loop[name]}
    return results


def demo(python: str | None) -> dict[str, Any]:
    """Run the demo on Artifex, if it is there."""
    if python is None or not Path(python).exists():
        return {"error": "its environment is not there"}
    script = Path(__file__).with_name("contenders") / "artifex_demo.py"
    done = subprocess.run([python, str(script)], capture_output=True, text=True)
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1]}
    return {"parts": json.loads(done.stdout.splitlines()[-1])}


def table(results: dict[str, Any]) -> str:
    """Write what was measured in words."""
    ours, loop = results["from nothing"], sum(results["loops"].values())
    lines = [
        "| | s |",
        "|---|---|",
        f"| `snakemake --cores 1 diffusion_mnist` from nothing | {ours:.1f} |",
        f"| of it in the three sampling loops | {loop:.1f} |",
    ]
    parts = results["demo"].get("parts")
    if parts:
        theirs = sum(parts.values())
        lines += [f"| the demo on Artifex, its figures not drawn | {theirs:.1f} |"]
        lines += [f"| of it {name} | {seconds:.1f} |" for name, seconds in parts.items()]
    else:
        lines += [f"| the demo on Artifex | {results['demo']['error']} |"]
    lines += [f"| dry-run | {results['dry-run']:.1f} |"]
    lines += [f"| job `{name}` | {results['jobs'][name]:.1f} |" for name in sorted(results["jobs"])]
    for name, seconds in results["again"].items():
        beyond = seconds["job"] - seconds["loop"]
        lines += [
            f"| `{name}.png` again, warm cache: with Snakemake | {seconds['whole']:.1f} |",
            f"| of it the loop | {seconds['loop']:.1f} |",
            f"| of it the rest of the sampling job | {beyond:.1f} |",
            f"| of it the rendering | {seconds['render']:.1f} |",
        ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Run it all, and write the numbers and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", help="the Python that has Artifex; without it, it is missed")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder))
    results["demo"] = demo(arguments.peers)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    arguments.output.with_suffix(".md").write_text(table(results), encoding="utf-8")


if __name__ == "__main__":
    main()
