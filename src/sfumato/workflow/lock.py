"""The lock that a killed Snakemake leaves behind."""

import fcntl
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO

FOLDER = Path(".snakemake")


def release_stale_lock(main_process: bool) -> IO[str]:
    """Remove the lock that a killed Snakemake left, so that the same command runs again.

    Every live Snakemake shares a lock that the kernel drops when its process dies, in whatever
    way. Only a process that can have it for itself, for a moment, knows that no other is alive;
    else Snakemake's own lock stays, and refuses a second run as always. A library of exclusive
    locks alone, filelock for instance, cannot tell.

    Args:
        main_process: a job that Snakemake started on another node cannot always see that lock: it
            removes nothing.

    Returns:
        The file, which must stay open as long as this process lives.
    """
    FOLDER.mkdir(exist_ok=True)
    file = open(FOLDER / "alive", "w")  # noqa: SIM115
    # Where the file system knows no such locks, Snakemake's own must do.
    with suppress(OSError):
        if main_process:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(FOLDER / "locks", ignore_errors=True)
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_SH)
    return file
