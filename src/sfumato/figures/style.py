"""Colours and sizes that the figures share, and Matplotlib's own settings around each drawing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

BLUE, GREY = "#3b6ea5", "#9a9a9a"
SMALL, MEDIUM = 8, 10
"""Font sizes in points: of labels, and of titles."""


@contextmanager
def own_style() -> Iterator[None]:
    """Draw with Matplotlib's built-in settings, whatever a matplotlibrc or a notebook says.

    A figure is drawn when its parts are made and again when it is saved, so this is around both.
    What the user has set comes back afterwards; the backend stays as it is, and draws nothing here.
    """
    import matplotlib

    built_in: Any = {k: v for k, v in matplotlib.rcParamsDefault.items() if k not in _OF_A_WINDOW}
    with matplotlib.rc_context(built_in):
        yield


_OF_A_WINDOW = frozenset({"backend", "backend_fallback", "interactive", "toolbar"})
"""What pyplot alone reads. Even to ask for the backend would load it."""
