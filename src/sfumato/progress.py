"""How far long work is: a bar for whoever watches, lines in a log. Nothing here changes a result.

A job of the workflow writes lines to its log, the rarer the longer it takes. If Snakemake runs on a
terminal, it says in `TERMINAL` which one it is, and there the job shows a bar besides: one job
at a time, while the others wait for their turn.
"""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

TERMINAL = "SFUMATO_TERMINAL"
"""Environment variable: the path of the terminal on which jobs show how far they are."""
ANNOUNCE = "SFUMATO_ANNOUNCE"
"""Environment variable: set if jobs say there what they make, since Snakemake is told not to."""
LEAST_BETWEEN_LINES, MOST_BETWEEN_LINES, SHARE_OF_TIME = 0.5, 60.0, 0.05
"""Seconds between two lines in a log: this share of the time since the work began."""


class Progress:
    """A piece of work of known length.

    with Progress(8000, "ddpm", "evaluation") as progress:
        progress.update(200, loss=0.1)

    Attributes:
        done: how many units there were so far.
    """

    def __init__(self, total: int, name: str, unit: str, done: int = 0) -> None:
        """Begin with `done` of `total` units."""
        self._about: dict[str, Any] = {"total": total, "desc": name, "unit": unit}
        self.done, self._open = done, ExitStack()
        self._lines: tqdm | None = None
        self._bars = [self._on(sys.stderr)] if sys.stderr else []
        self._waits = TERMINAL in os.environ
        self._show_on_terminal()

    def update(self, units: int, **figures: float) -> None:
        """Count `units` more, and show `figures` beside them."""
        self.done += units
        self._show_on_terminal()
        for bar in self._bars:
            bar.set_postfix({name: f"{figure:.4f}" for name, figure in figures.items()}, False)
            if bar is self._lines:
                share = SHARE_OF_TIME * bar.format_dict["elapsed"]
                bar.mininterval = min(max(LEAST_BETWEEN_LINES, share), MOST_BETWEEN_LINES)
            bar.update(self.done - bar.n)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the bar as it is, and the terminal to another job."""
        for bar in self._bars:
            bar.close()
        self._open.close()

    def _on(self, file: TextIO) -> tqdm:
        """Show a bar to whoever watches a file; write lines to one that is read later."""
        if file.isatty() or "ipykernel" in sys.modules:
            return self._bar(file)
        least, most = LEAST_BETWEEN_LINES, MOST_BETWEEN_LINES
        self._lines = self._bar(_Lines(file), mininterval=least, maxinterval=most)
        return self._lines

    def _bar(self, file: TextIO | _Lines, **options: Any) -> tqdm:  # noqa: ANN401
        from tqdm import tqdm

        return tqdm(**self._about, initial=self.done, file=file, **options)  # type: ignore[arg-type]

    def _show_on_terminal(self) -> None:
        """Show a bar on the terminal of the workflow, unless another job's bar is there."""
        if not self._waits:
            return
        try:
            file = self._open.enter_context(_open_terminal())
        except OSError:  # it is gone
            self._waits = False
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._open.close()
            return
        self._waits = False
        self._bars.append(self._bar(file, dynamic_ncols=True, mininterval=0.5, position=0))


class _Lines:
    """A file to which a bar writes lines, each below the one before."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Write what is in a bar, without what moves the cursor."""
        if line := text.strip("\r\n "):
            self._file.write(f"{line}\n")

    def flush(self) -> None:
        """Write what is held back."""
        self._file.flush()


def announce(what: str) -> None:
    """Say on the terminal of the workflow what a job makes, if Snakemake is told not to."""
    if {ANNOUNCE, TERMINAL} <= os.environ.keys():
        try:
            with _open_terminal() as file:
                file.write(f"{what}\n")
        except OSError:  # it is gone
            pass


def _open_terminal() -> TextIO:
    path = os.environ[TERMINAL]
    descriptor = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_APPEND)
    if not os.isatty(descriptor):
        os.close(descriptor)
        raise OSError(f"{path} is no terminal")
    return os.fdopen(descriptor, "w", encoding="utf-8", errors="replace")
