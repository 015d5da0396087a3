"""Editing: samplers around samplers, one edit a file: what a chain starts from, and must keep.

A new edit is a new file: nothing lists them.
"""

from sfumato.config import listing
from sfumato.editing.base import Edit
from sfumato.errors import InputError

__all__ = ["Edit", "edit_class", "names"]


def names() -> tuple[str, ...]:
    """Return the names of the edits, sorted: those of their files."""
    return listing.names("editing")


def edit_class(name: str) -> type[Edit]:
    """Return the edit called `name`; an InputError lists the known ones."""
    if name not in names():
        raise InputError(f"edit {name!r} is not known; choose one of {', '.join(names())}")
    return listing.find("editing", name, Edit)


def __getattr__(name: str) -> type[Edit]:
    """Load an edit by the name of its class, on first use (PEP 562)."""
    return listing.find_class("editing", name, Edit, names())
