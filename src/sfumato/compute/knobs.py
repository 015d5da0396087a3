"""Knobs that only multiply: arguments of a compiled program and no part of it.

A method (a sampler, a guidance) is a frozen dataclass of knobs. Those that its class lists in
`traced` are taken out before a program is compiled and put back inside it, so that one program
serves nearly all their values: a sweep over eta compiles once. A knob that is 0 or 1 stays where it
is, since the program may leave out what it multiplies.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import fields
from typing import Any, TypeVar

Method = TypeVar("Method")


def is_exactly(knob: float, value: float) -> bool:
    """Tell whether a knob is `value`, 0 or 1; one that jax traces is neither."""
    return isinstance(knob, (int, float)) and knob == value


def split(method: Method) -> tuple[Method, dict[str, Any]]:
    """Take out the traced knobs, also those of methods inside this one.

    Returns:
        The method with None in their place, equal and hashed alike for all their values; the
        knobs by name, those of a method inside it in a mapping of their own.
    """
    knobs: dict[str, Any] = {}
    for name, value in _values(method).items():
        if hasattr(value, "traced"):
            knobs |= {name: inner} if (inner := split(value)[1]) else {}
        elif name in getattr(method, "traced", ()):
            knobs |= {} if is_exactly(value, 0) or is_exactly(value, 1) else {name: value}
    return put_back(method, _emptied(knobs)), knobs


def put_back(method: Method, knobs: Mapping[str, Any]) -> Method:
    """Return the method with these knobs, whatever they are: jax may be tracing them."""
    whole = copy(method)
    for name, value in knobs.items():
        if isinstance(value, Mapping):
            value = put_back(getattr(method, name), value)
        object.__setattr__(whole, name, value)  # frozen, and not to be validated
    return whole


def _values(method: object) -> dict[str, Any]:
    return {field.name: getattr(method, field.name) for field in fields(method)}  # type: ignore[arg-type]


def _emptied(knobs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _emptied(value) if isinstance(value, Mapping) else None
        for name, value in knobs.items()
    }
