"""What is checked before anything, and at the first job; and what is said when one has failed."""

import os
import re
import shutil
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from sfumato.config.paths import shown
from sfumato.errors import InputError
from sfumato.progress import ANNOUNCE, TERMINAL
from sfumato.records.finding import PICTURES
from sfumato.records.replacing import check_checkpoint_room
from sfumato.workflow.gpus import JOBS
from sfumato.workflow.hooks import after
from sfumato.workflow.places import ROOT

LITTLE = 2**20  # bytes; with less, a disk is full


def check_places() -> None:
    """Raise an InputError if Snakemake cannot work here, which it would say in a traceback."""
    if set("{}") & set(str(ROOT)):
        raise InputError(
            f"{shown(ROOT)}: Snakemake takes braces in the name of the workflow's folder for "
            "wildcards; rename the folder"
        )
    if any(0xDC80 <= ord(letter) <= 0xDCFF for letter in str(ROOT)):  # bytes that are no UTF-8
        raise InputError(
            f"{shown(ROOT)}: jax compiles nothing whose source is in a folder with such a name; "
            "rename the folder, in UTF-8"
        )
    if Path.cwd() == ROOT / "workflow":
        raise InputError("workflow: results would be built in this folder; call it from one above")
    results = Path("results")
    if os.path.lexists(results) and not results.is_dir():
        kind = "a link to nothing" if results.is_symlink() and not results.exists() else "a file"
        raise InputError(f"{results}: this is {kind}, and a folder is needed here; move it away")


def check_start(on_a_cluster: bool) -> None:
    """Raise an InputError if jobs on other machines cannot be started with this Python."""
    if on_a_cluster and re.search(r"\s", sys.executable):
        raise InputError(
            f"{sys.executable}: Snakemake cannot start jobs on a cluster with a Python whose path "
            "has a space; put the environment elsewhere"
        )


def check_replaced(jobs: Iterable[Any]) -> None:
    """Raise an InputError if a checkpoint's folder, to be made again, holds anything else.

    Snakemake empties it before the job could look at it.
    """
    for path in (Path(output) for job in jobs for output in job.output):
        if path.is_dir():
            check_checkpoint_room(path)


def show_progress(quiet: Collection[Any] | None, on_a_cluster: bool) -> None:
    """Let jobs show how far they are on the terminal of this process, if it has one.

    Args:
        quiet: what Snakemake was told to leave out, of its `Quietness`.
        on_a_cluster: whether jobs run on other machines, where there is no such terminal.
    """
    silent = "ALL" in _left_out(quiet) and ANNOUNCE not in os.environ
    if sys.stderr and sys.stderr.isatty() and not on_a_cluster and not silent:
        os.environ[TERMINAL] = os.ttyname(sys.stderr.fileno())


def share_gpus(jobs: int, on_a_cluster: bool) -> None:
    """Let jobs take GPUs of this machine for themselves, where several run at a time.

    Args:
        jobs: how many jobs may use a GPU at a time, the resource `gpu`.
        on_a_cluster: whether jobs run on other machines, where the cluster hands out its GPUs.
    """
    if jobs > 1 and not on_a_cluster:
        os.environ[JOBS] = str(jobs)


def show_pictures(files: Iterable[str]) -> None:
    """Say at the end on the terminal which pictures were made: those among these files."""
    pictures = [Path(file) for file in files if file.endswith(PICTURES)]
    places: dict[Path, list[str]] = {}
    for picture in sorted(pictures):
        places.setdefault(picture.parent, []).append(picture.name)
    for place, names in places.items():
        print(f"{place}: {', '.join(names)}", file=sys.stderr)


def say_if_nothing_is_done(workflow: Any, experiments: Iterable[str]) -> None:  # noqa: ANN401
    """Say where the figures are, after a run that made none, where Snakemake is told to be quiet.

    Args:
        workflow: Snakemake's, whose rules are all there.
        experiments: those that a bare call builds.
    """

    def look(*_: Any, **__: Any) -> None:  # noqa: ANN401
        if not any(workflow.dag.needrun_jobs(exclude_finished=False)):
            places = ", ".join(f"results/{name}" for name in experiments)
            print(f"nothing to be done; the figures are in {places}", file=sys.stderr)

    if workflow.is_main_process and ANNOUNCE in os.environ:
        after(workflow, "execute", look)


def _left_out(quiet: Collection[Any] | None) -> set[str]:
    return {each.name for each in quiet or ()}


def explain_failure(logs: Iterable[str], quiet: Collection[Any] | None) -> None:
    """Say on the terminal what Snakemake does not: what failed, and that a disk is full.

    Args:
        logs: of the jobs that failed; Snakemake shows them, unless it is quiet about rules.
        quiet: what Snakemake was told to leave out.
    """
    if {"ALL", "RULES"} & _left_out(quiet):
        for log in map(Path, logs):
            if log.is_file():
                print(f"{log}:\n{log.read_text(errors='replace')}", file=sys.stderr)
    places = [Path(), *(place for place in [Path("results")] if place.is_dir())]
    if any(shutil.disk_usage(place).free < LITTLE for place in places):
        print(
            "results: No space left on device; make room there and run the same command again",
            file=sys.stderr,
        )
