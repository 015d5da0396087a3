"""Compiled programs that a kill cut short: jax warns of them, and never writes them again."""

import os
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_WARNING = "Error reading persistent compilation cache entry"
_OF_ZSTD = b"\x28\xb5\x2f\xfd"
"""How an entry begins that jax wrote with another package, which may not be here."""


@contextmanager
def cut_programs_removed() -> Iterator[None]:
    """Remove the entries that cannot be read when jax warns of one; then it writes them again.

    That is between its warning and the end of the compilation that follows. Other warnings are
    shown as before.
    """
    show = warnings.showwarning

    def look(message: Warning | str, *about: Any) -> None:  # noqa: ANN401
        if str(message).startswith(_WARNING):
            _remove_cut(Path(os.environ.get("JAX_COMPILATION_CACHE_DIR", "")))
        else:
            show(message, *about)

    warnings.showwarning = look
    try:
        yield
    finally:
        warnings.showwarning = show


def _remove_cut(folder: Path) -> None:
    for entry in folder.glob("*-cache"):
        with suppress(OSError):
            content = entry.read_bytes()
            if not content.startswith(_OF_ZSTD) and not _is_whole(content):
                entry.unlink()


def _is_whole(content: bytes) -> bool:
    try:
        zlib.decompress(content)
    except zlib.error:
        return False
    return True
