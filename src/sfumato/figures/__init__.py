"""One figure a file, drawn from records; no jax, and no matplotlib before something is drawn.

A figure's file holds `FIGURE`, which declares it, and `draw(look, *opened)`. What several figures
need is in `titles`, `classes`, `edits`, `lettering`, `panels`, `charts`, `saving` and `style`.
"""

from functools import cache
from importlib import import_module

from sfumato.config import listing
from sfumato.errors import InputError
from sfumato.figures.base import Figure

_SHARED = ("charts", "classes", "edits", "lettering", "panels", "saving", "style", "titles")


def names() -> tuple[str, ...]:
    """Return the names of all figures: the files of this folder that declare one."""
    return listing.names("figures", *_SHARED)


@cache
def figure(name: str) -> Figure:
    """Return the declaration of a figure.

    Raises:
        InputError: if there is no figure of this name, or its file declares none or another.
    """
    if name not in names():
        raise InputError(f"{name!r} is not a figure; known: {', '.join(names())}")
    found = getattr(import_module(f"sfumato.figures.{name}"), "FIGURE", None)
    if not isinstance(found, Figure) or found.name != name:
        raise InputError(f"sfumato/figures/{name}.py: must define FIGURE = Figure(name={name!r})")
    return found
