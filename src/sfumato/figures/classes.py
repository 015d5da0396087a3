"""What classes are called: the names of a data set's own, of folders of pictures, or numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from sfumato.config.labels import NO_CLASS, RANDOM, Labels
from sfumato.records.facts import makers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfumato.records.provenance import Record

CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
"""Of fashion-mnist: Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747, table 2."""
DIGITS = ("mnist", "mnist-5k")
_FEW = 3
"""So many consecutive numbers are said as a range."""


def class_names(record: Record) -> tuple[str, ...]:
    """Return the names of the classes that a network was trained on; none where they have none.

    A digit is its own name, and the user's pictures have the names of their folders.
    """
    if folders := next((made.classes for made in makers(record) if made.classes), ()):
        return tuple(_letters(name) or f"class {i}" for i, name in enumerate(folders))
    sources = (made.settings.get("data", {}).get("source") for made in makers(record))
    source = next(filter(None, sources), "")
    if source in DIGITS:
        return tuple(map(str, range(10)))
    return CLOTHES if source == "fashion-mnist" else ()


def _letters(name: str) -> str:
    """Return a name as matplotlib draws it; nothing, if its font lacks one of the letters."""
    from matplotlib.font_manager import findfont, get_font

    font = get_font(findfont("DejaVu Sans"))
    known = all(font.get_char_index(ord(letter)) for letter in name)
    return name.replace("$", r"\$") if known else ""


def class_name(label: int, names: Sequence[str] = ()) -> str:
    """Return what one class is called: `Trouser`, `7` of the digits, or `class 7`."""
    if label == NO_CLASS:
        return "no class"
    return names[label] if label < len(names) else f"class {label}"


def class_words(labels: Labels, names: Sequence[str] = ()) -> str:
    """Say which classes are asked for: `class 7`, `classes 0 to 9`, `classes Coat, Bag`.

    Args:
        labels: those asked for, in turn; or `random`.
        names: of the classes, by number.
    """
    if labels == RANDOM:
        return "classes at random"
    if set(labels) == {NO_CLASS}:
        return "no class"
    said = [class_name(label, names).removeprefix("class ") for label in labels]
    rising = all(b == a + 1 for a, b in pairwise(labels))
    if len(labels) >= _FEW and rising and NO_CLASS not in labels:
        said = [f"{said[0]} to {said[-1]}"]
    return f"{'class' if len(labels) == 1 else 'classes'} {', '.join(said)}"
