"""The files that a method reads besides the checkpoint: results of other stages, or the user's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Knobs = TypeVar("Knobs", bound=DataclassInstance)
else:
    Knobs = TypeVar("Knobs")

FILE = "file"
"""The name of every knob that is the path of a file of the user's."""


_BY_CONTENT = "sha256:"


def content_name(path: Path) -> str:
    """Return the name of a file that says what is in it, in place of where it is."""
    return f"{_BY_CONTENT}{hashlib.sha256(path.read_bytes()).hexdigest()}"


class Input(NamedTuple):
    """A file that a method reads."""

    path: str
    """Of a result, from the experiment's folder; of a file of the user's, as it is written."""
    stage: str = ""
    """The stage that makes it; empty for a file of the user's."""

    def is_another(self, path: Path) -> bool:
        """Tell whether a file of the user's is not the one whose content was named."""
        return self.path.startswith(_BY_CONTENT) and content_name(path) != self.path


def named(method: Knobs, names: Mapping[str, str]) -> Knobs:
    """Return the knobs of a method with other names of the user's files.

    Args:
        method: the knobs.
        names: the new name of each file, by its path.
    """
    knobs = {each.name: getattr(method, each.name) for each in fields(method) if each.init}
    return replace(method, **_renamed(knobs, names))


def _renamed(knobs: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return knobs, and knobs within knobs, with other names of files."""
    found = dict(knobs)
    for key, value in knobs.items():
        if isinstance(value, Mapping):
            found[key] = _renamed(value, names)
        elif key == FILE:
            found[key] = names.get(value, value)
    return found
