"""Settings laid over settings."""

from collections.abc import Mapping
from typing import Any

from sfumato.config.model import merge_model
from sfumato.config.samples import merge_entries


def merge(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Lay `override` over `base`, mapping by mapping; anything but a mapping replaces."""
    merged = dict(base)
    for key, value in override.items():
        inner = merged.get(key)
        if isinstance(inner, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(inner, value)
        else:
            merged[key] = value
    return merged


def merge_sections(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Lay the sections of an experiment over others; where a method is chosen, by its own rule."""
    merged = merge(base, override)
    for section, merge_section in (("samples", merge_entries), ("model", merge_model)):
        before, changed = base.get(section), override.get(section)
        if isinstance(before, Mapping) and isinstance(changed, Mapping):
            merged[section] = merge_section(before, changed)
    return merged
