"""Settings in words, for people: `eta 0.5`, `no clip`."""

from collections.abc import Iterator, Mapping
from typing import Any


def phrases(settings: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[str]:
    """Say each setting in words, but for those that are as usual."""
    for key, value in settings.items():
        if key not in usual or usual[key] != value:
            yield phrase(key, value)


def phrase(key: str, value: object) -> str:
    """Say a setting in words: `no clip`, `eta 0.5`; a method is its own name."""
    match value:
        case False | None:
            return f"no {key}"
        case True:
            return key
        case float():
            return f"{key} {exact(value)}"
        case Mapping():
            return f"{key} ({', '.join(phrases(value, {}))})"
        case _:
            return str(value) if key == "method" else f"{key} {value}"


def exact(value: float) -> str:
    """Write a number in as few digits as tell it from every other: `0.5`, `1e-05`."""
    text = f"{value:g}"
    return text if float(text) == value else repr(value)
