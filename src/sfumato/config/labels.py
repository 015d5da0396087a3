"""Which classes an entry of `samples` asks for: one, several in turn, or any at random."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from sfumato.config.fields import Whole

NO_CLASS = -1
"""The label of a sample of no class."""
RANDOM = "random"
"""Asks for a class that is drawn for each sample, all alike."""
_WHOLE = TypeAdapter(Whole)


def is_random(labels: object) -> bool:
    """Tell whether classes are drawn; labels may be an array, too."""
    return isinstance(labels, str) and labels == RANDOM


def _listed(value: object) -> object:
    """Turn `7` into `(7,)`; what is no label or list of labels is a ValueError."""
    if value == RANDOM:
        return value
    values = list(value) if isinstance(value, list | tuple) else [value]
    if not values:
        raise ValueError("needs at least 1 label; null asks for no class")
    try:
        labels = tuple(_WHOLE.validate_python(each) for each in values)
    except ValidationError:
        raise ValueError(
            "must be random, or else it must be the number of a class, a list of such numbers, "
            "or null"
        ) from None
    if min(labels) < NO_CLASS:
        raise ValueError("must be numbers of classes, from 0 up; -1 is no class")
    return labels


Labels = Annotated[Literal["random"] | tuple[int, ...], BeforeValidator(_listed)]
"""Numbers of classes from 0 up, at least one of them; -1 is no class. `7` is a list of one.
"random" draws a class for each sample."""


def in_order(labels: Labels | None) -> tuple[int, ...]:
    """Return the classes that samples take in turn; none where they take none, or any."""
    return () if labels is None or labels == RANDOM else tuple(labels)


def in_turn(labels: Sequence[int], indices: range) -> list[int]:
    """Return the label of each sample: sample i has labels[i mod L], L their number."""
    return [labels[i % len(labels)] for i in indices]


def label_mistakes(labels: Labels | None, classes: int, setting: str) -> Iterator[str]:
    """Say what is wrong with labels where there are so many classes.

    Args:
        labels: those asked for.
        classes: how many there are.
        setting: what says so, `model.num_classes`.
    """
    if labels is None:
        return
    several = in_order(labels)
    shown = RANDOM if labels == RANDOM else several[0] if len(several) == 1 else list(several)
    if not classes:
        yield f"{shown} needs a network that knows classes; set {setting}"
    elif max(several, default=NO_CLASS) >= classes:
        yield f"{max(several)} must be at most {classes - 1}: {setting} is {classes}"
