"""Ctrl-C: a sentence, where Snakemake says what it would of a job that failed."""

import signal
import sys
import threading
from typing import Any

from sfumato.workflow.hooks import at_the_end

_seen: list[int] = []


def was_interrupted() -> bool:
    """Tell whether the user has pressed Ctrl-C."""
    return bool(_seen)


def watch_interruption(workflow: Any) -> None:  # noqa: ANN401
    """Note a Ctrl-C before it does what it would, and say at the end what is left of the run.

    Args:
        workflow: Snakemake's, before it builds.
    """
    if not workflow.is_main_process or threading.current_thread() is not threading.main_thread():
        return
    usual = signal.getsignal(signal.SIGINT)
    if not callable(usual):  # it is ignored, as of a process in the background
        return

    def note(number: int, frame: Any) -> None:  # noqa: ANN401
        _seen.append(number)
        usual(number, frame)

    signal.signal(signal.SIGINT, note)
    at_the_end(workflow, "execute", _say)


def _say(*_: Any, **__: Any) -> None:  # noqa: ANN401
    if was_interrupted():
        print(
            "interrupted: what is finished stays, and a training goes on from its last state; run "
            "the same command again",
            file=sys.stderr,
        )
