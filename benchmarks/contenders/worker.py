"""What a contender is: a process that does on demand what it is told to, and says how long it took.

Each contender is a script that ends in `serve`. It is started by the Python of the environment that
it needs, prints one line of JSON about itself, and then answers each name of a task with a line of
JSON: {"seconds": 1.25}. So several of them, in several environments, take turns on one machine.
"""

import json
import sys
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

Task = Callable[[], object]
"""Does one thing, and comes back when it is done: nothing may still be under way."""


def serve(facts: Mapping[str, Any], prepare: Mapping[str, Callable[[], Task]]) -> None:
    """Answer the names of tasks on stdin until it ends.

    Args:
        facts: what the reader should know: parameters, GFLOP, versions.
        prepare: name of a task -> what sets it up, and returns it. The first call of a task, and
            its setting up, are answered as `first`: with compilation.
    """
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    tasks: dict[str, Task] = {}

    def answer(**content: Any) -> None:  # noqa: ANN401 (JSON)
        print(json.dumps(content), file=answers, flush=True)

    answer(**facts, tasks=list(prepare))
    for line in sys.stdin:
        name = line.strip()
        clock = perf_counter()
        try:
            first = name not in tasks
            if first:
                tasks[name] = prepare[name]()
            tasks[name]()
        except Exception as error:  # noqa: BLE001 (a peer that fails is a result)
            answer(error=f"{type(error).__name__}: {error}"[:300])
            continue
        answer(**{"first" if first else "seconds": perf_counter() - clock})
