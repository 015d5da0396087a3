"""Write what `compare.py` measured as a table and a figure.

python benchmarks/report.py benchmarks/results/cpu.json
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "contenders"))

from sizes import BATCH, MANY, MANY_STEPS, SIDE, STEPS, TRAINING_STEPS

DDIM_STEPS = 50
HEAD = (
    "|  | parameters, M | GFLOP per evaluation | ms per step | GFLOP/s | of the matrix rate "
    "| first call, s | images per s | s per training step |"
)


def rates(machine: dict[str, Any]) -> dict[str, float]:
    """Return FLOP or bytes per second of each product and copy, by name."""
    work = {"product": machine["product_flop"], "copy": machine["copy_bytes"]}
    times = machine["times"].items()
    return {name: work[name.partition("-")[0]] / time["median"] for name, time in times}


def limits(machine: dict[str, Any]) -> str:
    """Say what the machine reached: `179 GFLOP/s, copy 50 GB/s`, and on a GPU what else it did."""
    units = {"product": "GFLOP/s", "copy": "GB/s"}
    return ", ".join(
        f"{name.replace('-', ' in ')} {rate / 1e9:.0f} {units[name.partition('-')[0]]}"
        for name, rate in rates(machine).items()
    ).removeprefix("product ")


def row(name: str, result: dict[str, Any], limit: float) -> str:
    """Write the line of one contender."""
    if "error" in result:
        return f"| {name} | {result['error']} | | | | | | | |"
    times, flop = result["times"], result.get("flop")
    ddim, training = times.get("ddim"), times.get("training")
    rate = flop / (ddim["median"] / STEPS) if flop and ddim else None
    cells = [
        name,
        f"{result['parameters'] / 1e6:.2f}",
        f"{flop / 1e9:.1f}" if flop else "-",
        "{median:.1f} ({least:.1f} to {most:.1f})".format(
            **{key: 1e3 * ddim[key] / STEPS for key in ("median", "least", "most")}
        )
        if ddim
        else "-",
        f"{rate / 1e9:.0f}" if rate else "-",
        f"{rate / limit:.2f}" if rate else "-",
        f"{ddim['first']:.1f}" if ddim else "-",
        throughput(times),
        f"{training['median'] / TRAINING_STEPS:.3f} ({result['training_batch']})"
        if training
        else "-",
    ]
    return "| " + " | ".join(cells) + " |"


def throughput(times: dict[str, Any]) -> str:
    """Say how many images DDIM-50 draws in a second, with the batch size that is best for it."""
    seconds = {name: time["median"] for name, time in times.items() if name.startswith("many")}
    if not seconds:
        return "-"
    best = min(seconds, key=lambda name: seconds[name])
    _, _, batch = best.partition("-")
    rate = MANY * MANY_STEPS / DDIM_STEPS / seconds[best]
    return f"{rate:.2f} ({batch})"


def main() -> None:
    """Write the table and the figure beside the JSON file."""
    import matplotlib.pyplot as plt

    path = Path(sys.argv[1])
    results = json.loads(path.read_text(encoding="utf-8"))
    machine = results["machine"]
    limit = rates(machine)["product"]
    turns = machine["times"]["product"]["calls"]
    others = {name: result for name, result in results.items() if name != "machine"}
    lines = [HEAD, "|---" * HEAD.count(" | ") + "|---|"]
    lines += [row(name, result, limit) for name, result in others.items()]
    lines += [
        "",
        f"Medians of {turns} turns, on {machine['device']}. ms per step: one step of DDIM, of "
        f"{STEPS}, on {BATCH} images of {SIDE} x {SIDE} (fastest to slowest). Images per s: {MANY} "
        f"images in one call, by DDIM with {DDIM_STEPS} steps (the best number at a time). s per "
        "training step: one update (batch size). The matrix rate is that of a product of matrices "
        f"in the same run, which reached {limits(machine)}. "
        "The FLOP are what XLA and PyTorch count: XLA leaves out what falls on the padding.",
        "",
    ]
    path.with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")
    timed = {name: r for name, r in others.items() if r.get("times", {}).get("ddim")}
    figure, axes = plt.subplots(figsize=(8, 0.5 * len(timed) + 1.5), layout="constrained")
    seconds = [1e3 * r["times"]["ddim"]["median"] / STEPS for r in timed.values()]
    least = [1e3 * r["times"]["ddim"]["least"] / STEPS for r in timed.values()]
    most = [1e3 * r["times"]["ddim"]["most"] / STEPS for r in timed.values()]
    spread = [
        [middle - low for middle, low in zip(seconds, least, strict=True)],
        [high - middle for middle, high in zip(seconds, most, strict=True)],
    ]
    axes.barh(list(timed), seconds, xerr=spread, color="0.6")
    at_the_limit = [
        1e3 * r["flop"] / limit if "flop" in r else float("nan") for r in timed.values()
    ]
    axes.plot(at_the_limit, range(len(timed)), "|", color="C3", markersize=18, markeredgewidth=2)
    axes.invert_yaxis()
    axes.set_xlabel("ms per step; red: the same FLOP at the rate of a product of matrices")
    figure.savefig(path.with_suffix(".png"), dpi=120, metadata={"Software": None})


if __name__ == "__main__":
    main()
