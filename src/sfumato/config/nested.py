"""Settings within settings, and their paths: `guidance.scale`."""

from collections.abc import Iterator, Mapping
from typing import Any


def leaf_items(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the settings that hold no others: the path of each, and its value."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from leaf_items(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def leaves(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths, `section.key`, of all settings in nested values."""
    return (path for path, _ in leaf_items(values))
