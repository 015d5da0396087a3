"""A plain name for any folder, for libraries that read more into a path than a name.

Orbax takes `[` and `*` for a pattern, tensorstore a backslash for a slash, and both take some first
folders for a cloud's.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PLAIN = re.compile(r"(?!/(?:gs|s3|az|hf)/)(?:/[\w .,+=@~-]+)+", re.ASCII)
_FALLBACK = "/tmp"  # noqa: S108


@contextmanager
def plain(folder: Path) -> Iterator[Path]:
    """Yield an absolute path as it is, or a link to it from a folder whose name is plain."""
    if _PLAIN.fullmatch(str(folder)):
        yield folder
        return
    place = None if _PLAIN.fullmatch(tempfile.gettempdir()) else _FALLBACK
    with tempfile.TemporaryDirectory(prefix="sfumato-", dir=place) as links:
        link = Path(links) / "folder"
        link.symlink_to(folder)
        yield link
