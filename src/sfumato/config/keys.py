"""The keys of a config: all of them are text."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from sfumato.config.validation import path_of, show

_Item = tuple[object, object]


def wrong_keys(values: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401
    """Yield a sentence for each key that is no text, or two things in one, at every depth."""
    if isinstance(values, list | tuple):
        for i, value in enumerate(values):
            yield from wrong_keys(value, path_of([i], path))
    if not isinstance(values, Mapping):
        return
    before: _Item = ("", None)
    for key, value in values.items():
        if reason := _wrong(key, value, before):
            yield f"{path or 'the top level'}: {reason}"
        if isinstance(key, str):
            yield from wrong_keys(value, path_of([key], path))
        before = (key, value)


def _wrong(key: object, value: object, before: _Item) -> str:
    """Say what is wrong with a key, given the item before it; nothing if all is well."""
    name, number = before
    match key:
        case str():
            words, colon, rest = key.partition(":")
            if colon and value is None and words and rest:
                return f"{show(key)} is one word; after a colon comes a space, {words}: {rest}"
            return ""
        case bool():
            return f"the key {show(key)} is not text; in quotes, yes, no, on and off are text"
        case int() if value is None and type(number) is int:
            comma, point = f"{name}: {number},{key}", f"{name}: {number}.{key}"
            return f"{comma} is no number; decimals have a point, {point}"
        case int() | float() if value is None and number is None and isinstance(name, str) and name:
            return f"the key {show(key)} is not text; for a value write a colon, {name}: {key}"
        case int() | float() | date():
            return f"the key {show(key)} is not text; in quotes, '{key}', it is"
    return f"the key {show(key)} is not text"
