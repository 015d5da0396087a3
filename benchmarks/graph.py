"""Time what Snakemake does around the jobs: dry-runs, a sweep of many points, a long report.

python benchmarks/graph.py benchmarks/results/graph.json

"Snakemake alone" is a workflow of as many rules and jobs, with inputs, outputs, logs, benchmarks
and parameters written out. Calls of the two alternate; numbers are medians over several.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
OURS = ["--snakefile", str(ROOT / "Snakefile")]
REPEAT, POINTS, FIGURES = 7, 1000, 200
RULE = """
rule {name}:
    input:
        {inputs!r},
    output:
        "{{experiment}}/{name}.txt",
    log:
        "{{experiment}}/{name}.log",
    benchmark:
        "{{experiment}}/{name}.tsv"
    params:
        config=lambda wildcards: wildcards.experiment,
    shell:
        "python -c 1 {{params.config}} > {{output}} 2> {{log}}"
"""


def snakemake(folder: Path, *words: str) -> tuple[float, str]:
    """Run it in a folder; return the seconds it took, and what it said."""
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *words]
    clock = perf_counter()
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return perf_counter() - clock, done.stdout + done.stderr


def bare(folder: Path, rules: int, jobs: int) -> list[str]:
    """Write a workflow of so many rules, of which a chain of so many jobs is asked for."""
    names = [f"rule_{i}" for i in range(rules)]
    inputs = [[], *([f"{{experiment}}/{name}.txt"] for name in names)]
    texts = [RULE.format(name=n, inputs=i) for n, i in zip(names, inputs, strict=False)]
    (folder / "bare.smk").write_text("".join(texts))
    return ["--snakefile", "bare.smk", f"mine/{names[jobs - 1]}.txt"]


def dry_runs(folder: Path) -> dict[str, float]:
    """Compare the dry-run of the targets with that of Snakemake alone."""
    listed = snakemake(folder, *OURS, "--list-rules")[1]
    rules = len(re.findall(r"^\w+$", listed, re.MULTILINE))
    said = snakemake(folder, *OURS, "--dry-run")[1]
    jobs = int(re.search(r"^total +(\d+)$", said, re.MULTILINE)[1])  # type: ignore[index]
    alone = bare(folder, rules, jobs)
    calls = ((*OURS, "--dry-run"), (*alone, "--dry-run"))
    turns = [[snakemake(folder, *call)[0] for call in calls] for _ in range(REPEAT)]
    ours, theirs = (statistics.median(column) for column in zip(*turns, strict=True))
    return {"rules": rules, "jobs": jobs, "sfumato": ours, "snakemake": theirs}


def many_points(folder: Path, number: int) -> None:
    """Write the config of a sweep `many` of so many points."""
    seeds = {"of": "ddim", "over": {"seed": list(range(number))}}
    config = {"targets": ["many"], "experiments": {"many": {"sweeps": {"many": seeds}}}}
    (folder / "config.yaml").write_text(json.dumps(config))


def sweep(folder: Path) -> float:
    """Time the dry-run of a sweep of many points."""
    many_points(folder, POINTS)
    return statistics.median(snakemake(folder, *OURS, "-n", "sweep_many")[0] for _ in range(3))


def report(folder: Path) -> float:
    """Time a report of many figures: one that was drawn, under many names."""
    names = [f"s{i}" for i in range(FIGURES)]
    entries = {name: {"sampler": "ddim", "steps": 1, "n_samples": 1} for name in names}
    one = {"samples": {"ddpm": None, "ddim": None, **entries}}
    one["figures"] = [f"{name}_samples.png" for name in names]  # type: ignore[assignment]
    config = {"targets": ["many"], "experiments": {"many": one}}
    (folder / "config.yaml").write_text(json.dumps(config))
    made = folder / "results" / "many"
    snakemake(folder, *OURS, "results/many/s0_samples.png")
    for name in names[1:]:
        for suffix in (".npz", ".timing.json", ".png"):
            shutil.copy2(made / f"s0_samples{suffix}", made / f"{name}_samples{suffix}")
    return snakemake(folder, *OURS, "--report", "report.html", "--nolock")[0]


def main(output: Path) -> None:
    """Measure, and write the numbers."""
    results = {}
    for name, measure in (("dry-run", dry_runs), ("sweep", sweep), ("report", report)):
        with tempfile.TemporaryDirectory() as folder:
            results[name] = measure(Path(folder))
    output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
