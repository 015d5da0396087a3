"""The paths that a config names."""

from pathlib import Path

from sfumato.errors import InputError


def user_path(text: str | Path, setting: str) -> Path:
    """Return a path as the user means it: `~` is the home folder, as in a shell.

    Raises:
        InputError: if it begins with the home folder of somebody who has none; it names `setting`.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise InputError(
            f"{setting}: {text}: there is no such user; write ./~ for a folder of that name"
        ) from None


def shown(path: str | Path) -> str:
    """Write a path in a sentence: one line, whatever bytes are in its name."""
    text = str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text if text.isprintable() else repr(text)[1:-1]
