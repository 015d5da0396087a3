"""Time this library and its peers side by side, in turns, in one run.

python benchmarks/compare.py --peers .venv-bench/bin/python --output benchmarks/results/cpu.json
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "contenders"))

from sizes import MANY_BATCHES, SIZES

PLACE = Path(__file__).resolve().parent / "contenders"
PRODUCTS = ("product", "product-tf32", "product-bfloat16", "copy", "copy-bfloat16")
MANY = tuple(f"many-{batch}" for batch in MANY_BATCHES)
TASKS = ",".join((*PRODUCTS, "ddim", *MANY, "training"))
PAUSE = 0.5  # seconds, in which the threads of the one before come to rest

CONTENDERS = {
    "machine": ("here", "machine.py"),
    "Artifex": ("peers", "artifex_model.py"),
    "diffusers, eager": ("peers", "diffusers_unet.py", "1", "eager"),
    "diffusers, compiled": ("peers", "diffusers_unet.py", "1", "compiled"),
}
for _size in SIZES:
    CONTENDERS[f"sfumato, {_size}"] = ("here", "sfumato_jax.py", _size)
    for _mode in ("eager", "compiled"):
        CONTENDERS[f"PyTorch, {_size}, {_mode}"] = ("peers", "pytorch_twin.py", _size, _mode)


@dataclass
class Contender:
    """A process that waits to be asked.

    Attributes:
        name: what the tables call it.
        process: None when it could not be started.
        facts: what it says of itself, or its error.
        times: seconds of each call, by task; the first, which compiles, apart.
    """

    name: str
    process: subprocess.Popen[str] | None
    facts: dict[str, Any]
    first: dict[str, float] = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def start(
        cls, name: str, python: str | None, words: tuple[str, ...], xla_flags: str = ""
    ) -> "Contender":
        """Start it, and wait until it has said what it is."""
        if python is None or not Path(python).exists():
            return cls(name, None, {"error": "its environment is not there"})
        process = subprocess.Popen(
            [python, str(PLACE / words[0]), *words[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | ({"XLA_FLAGS": xla_flags} if xla_flags else {}),
        )
        contender = cls(name, process, {})
        contender.facts = contender._answer()
        return contender

    def _answer(self) -> dict[str, Any]:
        assert self.process and self.process.stdout and self.process.stderr
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        error = self.process.stderr.read().strip().splitlines() or ["it ended without a word"]
        self.process = None
        return {"error": error[-1]}

    def ask(self, task: str) -> None:
        """Have it do a task, if it still can, and write down how long it took."""
        if self.process is None or task not in self.facts["tasks"]:
            return
        assert self.process.stdin
        print(task, file=self.process.stdin, flush=True)
        answer = self._answer()
        if "error" in answer:
            self.facts.setdefault("failed", {})[task] = answer["error"]
            self.facts["tasks"] = [name for name in self.facts.get("tasks", []) if name != task]
        elif "first" in answer:
            self.first[task] = answer["first"]
        else:
            self.times.setdefault(task, []).append(answer["seconds"])

    def summary(self) -> dict[str, Any]:
        """Return facts and times: median, least and most."""
        times = {
            task: {
                "first": self.first[task],
                "median": statistics.median(seconds),
                "least": min(seconds),
                "most": max(seconds),
                "calls": len(seconds),
            }
            for task, seconds in self.times.items()
        }
        return {**{k: v for k, v in self.facts.items() if k != "tasks"}, "times": times}


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--peers", help="the Python that has the peers; without it, they are missed"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tasks", default=TASKS)
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    pythons = {"here": sys.executable, "peers": arguments.peers}
    contenders = []
    for name, (where, *words) in CONTENDERS.items():
        contenders.append(Contender.start(name, pythons[where], tuple(words)))
        print(name, contenders[-1].facts, file=sys.stderr)
    for task in arguments.tasks.split(","):
        able = [one for one in contenders if task in one.facts.get("tasks", [])]
        for turn in range(arguments.rounds + 1 if able else 0):
            for contender in able:
                time.sleep(PAUSE)
                contender.ask(task)
            print(f"{task}: turn {turn} of {arguments.rounds}", file=sys.stderr)
    results = {contender.name: contender.summary() for contender in contenders}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
