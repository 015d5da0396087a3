"""Files that cannot be opened: missing, unreadable, damaged or foreign, each said in another way.

Nobody is told to delete a file unless it is of this workflow and damaged.
"""

import errno
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError

from sfumato.config.paths import shown
from sfumato.errors import InputError

DAMAGE = (
    *(OSError, ValueError, LookupError, EOFError, TypeError, NotImplementedError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error, RecursionError, OverflowError, RuntimeError),
    TokenError,
)
"""What numpy, its parser of headers, zipfile, zlib and json raise for damaged files."""
_OF_THE_SYSTEM = re.compile(r"\[os_error_code='(\d+)'\]")
"""The number of the system's error in what tensorstore says, after paths."""
_MARKS = (b"provenance", b'"artifact"')
_NEAR = 2**16  # bytes from either end of a file, where its mark is


class ForeignError(InputError):
    """A file may be intact, but does not say what made it."""


class UnreadableError(InputError):
    """A file may be whole, and cannot be read."""


@contextmanager
def readable(path: Path, kind: str = "") -> Iterator[None]:
    """Turn what a missing, unreadable or damaged file raises into a sentence.

    Args:
        path: the file.
        kind: what it should be, `.npz file`; by default its suffix says.
    """
    try:
        yield
    except InputError:
        raise
    except MemoryError:
        raise unreadable(path, "it does not fit into memory") from None
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise _cannot_be_opened(path, error) from None
        raise _damaged(path, kind, str(error).split("\n")[0]) from None


def unreadable(path: Path, reason: str) -> UnreadableError:
    """Return the error for a file that may be whole, and cannot be read."""
    return UnreadableError(f"{shown(path)}: this file cannot be read: {reason}")


def first_line(error: Exception) -> str:
    """Return the first line of an error that may be pages long; what the system said, if it did."""
    if code := _OF_THE_SYSTEM.search(str(error)):
        return os.strerror(int(code[1]))
    return str(error).strip().split("\n")[0][:200]


def foreign(path: Path, reason: str = "") -> ForeignError:
    """Return the error for a file that may be intact, but is not of this workflow."""
    reason = f" ({reason})" if reason else ""
    return ForeignError(
        f"{shown(path)}: this file does not say what made it, as files of this workflow do{reason};"
        " it is from elsewhere, or lost it on the way"
    )


def _cannot_be_opened(path: Path, error: OSError) -> InputError:
    if error.errno == errno.ENOENT:
        kind = "this link leads to no file" if path.is_symlink() else "there is no such file"
        return InputError(f"{shown(path)}: {kind}")
    reason = error.strerror or type(error).__name__
    if error.errno in (errno.EACCES, errno.EPERM):
        reason = f"{reason}; it may be whole: change its permissions"
    return unreadable(path, reason)


def _damaged(path: Path, kind: str, reason: str) -> InputError:
    """Return the error for a file that is not whole; it may be the user's, unless it is marked."""
    kind = kind or f"{path.suffix or 'such'} file"
    said = f"{shown(path)}: this is not a whole {kind} of this workflow ({reason})"
    if _is_marked(path):
        return InputError(f"{said}; it is damaged: delete it and build it again")
    return InputError(f"{said}; it is damaged or from elsewhere: copy or build it again")


def _is_marked(path: Path) -> bool:
    """Tell whether a file begins or ends as those of this workflow do, which say what made them."""
    try:
        with path.open("rb") as file:
            start = file.read(_NEAR)
            file.seek(max(0, path.stat().st_size - _NEAR))
            end = file.read()
    except OSError:
        return False
    return any(mark in start or mark in end for mark in _MARKS)
