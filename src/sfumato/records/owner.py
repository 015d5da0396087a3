"""Who writes a result: of several runs of one job, the one that began last.

A job may outlive its killed workflow, and end after the same job of the next one, with other
settings. What it made is then of no use, and must not replace what the later run wrote. So a run
marks each result when it begins, where the workflow keeps what it compiles, if that folder is
there; and it writes only what still has its mark.
"""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from sfumato.config.paths import shown
from sfumato.errors import InputError
from sfumato.project import cache

_RUN = uuid4().hex
_MARKS: dict[Path, Path] = {}


def own(place: Path) -> None:
    """Say that this process writes `place`, an absolute path without links, until `let_go`."""
    if not cache().is_dir():
        return
    mark = cache() / "owners" / sha256(os.fsencode(place)).hexdigest()
    with suppress(OSError):
        mark.parent.mkdir(exist_ok=True)
        mark.write_text(_RUN)
        _MARKS[place] = mark


def check_owner(place: Path) -> None:
    """Raise an InputError if another process has said after this one that it writes `place`."""
    with suppress(KeyError, OSError, UnicodeDecodeError):
        if _MARKS[place].read_text() != _RUN:
            raise InputError(
                f"{shown(place)}: another run of this job began later, and writes it; nothing was "
                "replaced"
            )


def let_go() -> None:
    """Take away the marks that are still this process's own."""
    for place, mark in _MARKS.items():
        with suppress(InputError, OSError):
            check_owner(place)
            mark.unlink()
    _MARKS.clear()
