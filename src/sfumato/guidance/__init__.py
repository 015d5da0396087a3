"""Guidance: denoisers around denoisers, one method a file, one paper a file.

A new method is a new file: nothing lists them.
"""

from sfumato.config import listing
from sfumato.errors import InputError
from sfumato.guidance.base import OTHERS, Guidance

__all__ = ["Guidance", "guidance_class", "names"]


def names() -> tuple[str, ...]:
    """Return the names of the methods that an entry may ask for, sorted: those of their files."""
    return listing.names("guidance", *OTHERS)


def guidance_class(name: str) -> type[Guidance]:
    """Return the method called `name`; an InputError lists the known ones."""
    if name not in names():
        known = f"choose one of {', '.join(names())}" if names() else "there is none"
        raise InputError(f"guidance {name!r} is not known; {known}")
    return listing.find("guidance", name, Guidance)


def __getattr__(name: str) -> type[Guidance]:
    """Load a method by the name of its class, on first use (PEP 562)."""
    return listing.find_class("guidance", name, Guidance, names())
