"""Settings that override settings."""

from collections.abc import Mapping
from typing import Any

from sfumato.config.model import merge_model
from sfumato.config.samples import merge_entries
from sfumato.config.sweep import merge_sweeps


def merge(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Merge `override` into `base`: mappings key by key; any other value replaces the old one."""
    merged = dict(base)
    for key, value in override.items():
        inner = merged.get(key)
        if isinstance(inner, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(inner, value)
        else:
            merged[key] = value
    return merged


_MERGES = {"samples": merge_entries, "model": merge_model, "sweeps": merge_sweeps}


def merge_sections(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Override sections; those in which a method is chosen follow rules of their own."""
    merged = merge(base, override)
    for section, merge_section in _MERGES.items():
        before, changed = base.get(section), override.get(section)
        if isinstance(before, Mapping) and isinstance(changed, Mapping):
            merged[section] = merge_section(before, changed)
    return merged
