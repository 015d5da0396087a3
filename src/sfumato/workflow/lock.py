"""The lock that a killed Snakemake leaves behind, and folders that are another user's."""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from snakemake.logging import logger

from sfumato.errors import InputError
from sfumato.workflow.hooks import before

FOLDER = Path(".snakemake")
PATIENCE = 5  # seconds
_ELSEWHERE = (
    "build in a folder of your own, with --directory, or copy the project; what is copied is "
    "not built again"
)


def release_stale_lock(main_process: bool) -> IO[str] | None:
    """Remove the lock that a killed Snakemake left, so that the same command runs again.

    Every live Snakemake shares a lock that the kernel drops when its process dies, in whatever
    way. Only a process that can have it for itself, for a moment, knows that no other is alive;
    else Snakemake's own lock stays, and refuses a second run as always. A library of exclusive
    locks alone, filelock for instance, cannot tell.

    Args:
        main_process: a job that Snakemake started on another node cannot always see that lock: it
            removes nothing.

    Returns:
        The file, which must stay open as long as this process lives; None if there can be none.
    """
    file = _shared_file()
    if file:
        _share(file, release=main_process)
    return file


def release_before_building(workflow: Any, file: IO[str] | None) -> None:  # noqa: ANN401
    """Have Snakemake wait, when it is about to build, for a process that is about to end.

    A cluster's job that was cancelled outlives its place in the queue by a moment.

    Args:
        workflow: Snakemake's.
        file: what `release_stale_lock` returned.
    """

    def wait(executor_plugin: Any, **_: Any) -> None:  # noqa: ANN401
        if file and not executor_plugin.common_settings.dryrun_exec:
            _share(file, release=True, patience=PATIENCE)

    if workflow.is_main_process:
        before(workflow, "execute", wait)


def check_records() -> None:
    """Say why Snakemake will fail here, where it would with a traceback, even in a dry-run.

    Raises:
        InputError: if it cannot make the folder of its locks, or one of its folders is none.
    """
    try:
        (FOLDER / "locks").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{FOLDER}: Snakemake cannot keep its records here: {error.strerror}; {_ELSEWHERE}"
        ) from None
    for name in ("metadata", "incomplete"):
        if (path := FOLDER / name).exists() and not path.is_dir():
            raise InputError(f"{path}: Snakemake needs a folder here; move this away")
    records = FOLDER / "metadata"
    with suppress(OSError):
        if records.stat().st_uid != os.geteuid():
            _warn_of_records(records)


def _shared_file() -> IO[str] | None:
    """Open the file that carries the lock; a lock needs no writing, if another user made it."""
    path = FOLDER / "alive"
    if path.exists() and not path.is_file():
        return None
    for mode in ("a", "r"):
        with suppress(OSError):
            FOLDER.mkdir(exist_ok=True)
            return open(path, mode)  # noqa: SIM115
    return None


def _share(file: IO[str], release: bool, patience: float = 0) -> None:
    """Share the lock; before, if asked to, remove what was left if nobody else shares it."""
    # Where the file system knows no such locks, Snakemake's own must do.
    with suppress(OSError):
        if release:
            locks = FOLDER / "locks"
            _take(file, patience if any(locks.iterdir()) else 0)
            for left in locks.iterdir():
                left.unlink()
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_SH)


def _take(file: IO[str], patience: float) -> None:
    """Lock a file for this process alone, after some waiting if need be; raise OSError if not."""
    end = time.monotonic() + patience
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise
            time.sleep(0.1)


def _warn_of_records(folder: Path) -> None:
    """Warn of records that another user made, and Snakemake kept from everybody else."""
    with os.scandir(folder) as records:
        if not all(os.access(record, os.R_OK) for record in records):
            logger.warning(
                f"{folder}: records of another user cannot be read; where Snakemake fails with "
                f"'Permission denied', {_ELSEWHERE}"
            )
