"""What each source file means and imports, kept between processes: to parse a hundred takes long.

Facts are found by the content of a file, and so are never those of another; the file that holds
them is named after what decides them besides, and begins with its own digest: one that is damaged
is not used. It is written where the workflow keeps what it compiles, if that folder is there.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache as remembered
from pathlib import Path
from typing import NamedTuple

from sfumato.errors import InputError
from sfumato.project import cache
from sfumato.records import meaning
from sfumato.records.meaning import is_type_checking, meaning_of
from sfumato.records.outputs import file_aside


class Facts(NamedTuple):
    """What is known of a source file.

    Attributes:
        meaning: the sha256 of what it means, see `records/meaning.py`.
        names: the modules that it imports, and what may be one.
    """

    meaning: str
    names: tuple[str, ...]


# Files do not change while a process lives.
@remembered
def facts_of(path: Path) -> Facts:
    """Return the facts of a source file."""
    content = path.read_bytes()
    known, key = _known(), _sha256(content)
    if key not in known:
        tree = ast.parse(content.decode(), str(path))
        known[key] = Facts(_sha256(meaning_of(tree).encode()), tuple(_imported_names(tree)))
    return known[key]


def keep_facts() -> None:
    """Write the facts that are known, if there are new ones, for other processes."""
    place, known = _place(), _known()
    if len(known) == _kept.get(place) or not place.parent.parent.is_dir():
        return
    text = json.dumps(known)
    with suppress(OSError, InputError):
        with file_aside(place) as part:
            part.write_text(f"{_sha256(text.encode())}\n{text}", encoding="utf-8")
        _kept[place] = len(known)


_kept: dict[Path, int] = {}
"""How many facts each file holds."""


@remembered
def _known() -> dict[str, Facts]:
    """Return the facts that were kept, by the sha256 of a file's content; more are added here."""
    try:
        digest, _, text = _place().read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return {}
    if digest != _sha256(text.encode()):
        return {}
    known = {key: Facts(means, tuple(names)) for key, (means, names) in json.loads(text).items()}
    _kept[_place()] = len(known)
    return known


@remembered
def _place() -> Path:
    """Return the file for facts as this code and this Python find them."""
    digest = hashlib.sha256(sys.version.encode())
    for module in (__file__, meaning.__file__):
        digest.update(Path(module).read_bytes())
    return cache() / "code" / f"{digest.hexdigest()[:16]}.json"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _imported_names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.expr():  # holds no statement
            return
        case ast.If() if is_type_checking(node):
            for child in node.orelse:
                yield from _imported_names(child)
        case ast.Import():
            yield from (alias.name for alias in node.names)
        case ast.ImportFrom(module=str(module)):
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _imported_names(child)
