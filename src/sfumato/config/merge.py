"""Settings that override settings."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from sfumato.config.model import merge_model
from sfumato.config.samples import merge_entry
from sfumato.config.sweep import merge_sweep

Merge: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]


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


def _by_name(
    merge_one: Merge, base: Mapping[str, Any], override: Mapping[str, Any]
) -> dict[str, Any]:
    """Override a section of things by name: `null` removes one."""
    merged = dict(base)
    for name, value in override.items():
        before = merged.get(name)
        if value is None:
            merged.pop(name, None)
        elif isinstance(before, Mapping) and isinstance(value, Mapping):
            merged[name] = merge_one(before, value)
        else:
            merged[name] = value
    return merged


_MERGES: dict[str, Merge] = {
    "samples": partial(_by_name, merge_entry),
    "model": merge_model,
    "sweeps": partial(_by_name, merge_sweep),
}


def merge_sections(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Override sections; those in which a method is chosen follow rules of their own."""
    merged = merge(base, override)
    for section, merge_section in _MERGES.items():
        before, changed = base.get(section), override.get(section)
        if isinstance(before, Mapping) and isinstance(changed, Mapping):
            merged[section] = merge_section(before, changed)
    return merged
