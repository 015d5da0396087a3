"""Time this library and PyTorch on a GPU, in turns, and what XLA's deterministic kernels cost.

python benchmarks/gpu.py --output benchmarks/results/gpu.json

The environment needs both jax and PyTorch, with a GPU that both find.
"""

import argparse
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from compare import CONTENDERS, Contender

FREE = "--xla_gpu_deterministic_ops=false"
DEMO, TRAINED = "default", "digits"
TASKS = {
    f"sfumato, {DEMO}": ("demo-ddpm", "demo"),
    f"sfumato, {TRAINED}": ("training-float32", "training-bfloat16"),
    f"PyTorch, {DEMO}, eager": ("demo",),
    f"PyTorch, {TRAINED}, eager": ("training-float32", "training-bfloat16"),
    f"PyTorch, {TRAINED}, compiled": ("training-bfloat16",),
    "machine": ("product", "product-tf32", "product-bfloat16", "copy"),
}


def first_calls(contender_and_tasks: tuple[Contender, tuple[str, ...]]) -> None:
    """Have a contender do each of its tasks once, and say how long that took."""
    contender, tasks = contender_and_tasks
    for task in tasks:
        contender.ask(task)
    print(contender.name, contender.facts, contender.first, file=sys.stderr, flush=True)


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "float32")  # as in jobs
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    contenders = []
    for name, tasks in TASKS.items():
        words = CONTENDERS[name][1:]
        contenders.append((Contender.start(name, sys.executable, words), tasks))
        if name.startswith("sfumato"):
            free = Contender.start(f"{name}, any order", sys.executable, words, FREE)
            contenders.append((free, tasks))
    with ThreadPoolExecutor() as pool:  # they compile side by side, and are timed one by one
        list(pool.map(first_calls, contenders))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(arguments.rounds):
        for contender, tasks in contenders:
            for task in tasks:
                contender.ask(task)
        results = {contender.name: contender.summary() for contender, _ in contenders}
        arguments.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
