"""The paths that a config names."""

import os
import re
from errno import ENAMETOOLONG
from pathlib import Path

from sfumato.errors import InputError

_ADDRESS = re.compile(r"[A-Za-z][\w+.-]+:/")


def user_path(text: str | Path, setting: str) -> Path:
    """Return a path as the user means it: `~` is the home folder, as in a shell.

    Raises:
        InputError: if it can be no path, is an address such as s3://bucket, or begins with the
            home folder of somebody who has none; it names `setting`.
    """
    if not isinstance(text, str | Path):
        raise InputError(f"{setting}: {text!r} must be a path, such as 'results/mine'")
    if _ADDRESS.match(str(text)):
        raise InputError(
            f"{setting}: {shown(text)} is an address, and files of this machine alone are read and "
            "written; copy it, and name a path"
        )
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        is_own = str(text).split(os.sep)[0] == "~"
        wrong = "no home is known; write it out, or" if is_own else "there is no such user; write"
        raise InputError(f"{setting}: {text}: {wrong} ./~ for a folder of that name") from None
    try:
        os.lstat(path)
    except ValueError:
        raise InputError(f"{setting}: {shown(text)} holds a zero byte, as no path does") from None
    except OSError as error:
        if error.errno == ENAMETOOLONG:
            raise InputError(f"{setting}: {shown(text)[:40]}...: {error.strerror}") from None
    return path


def shown(path: str | Path) -> str:
    """Write a path in a sentence: one line, whatever bytes are in its name."""
    return "".join(c if c.isprintable() else _escaped(c) for c in str(path))


def _escaped(character: str) -> str:
    """Write what cannot be printed: a byte that is no text, or a control character."""
    byte = ord(character) - 0xDC00
    return f"\\x{byte:02x}" if 0 < byte < 256 else character.encode("unicode_escape").decode()
