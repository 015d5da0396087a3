"""Settings that override settings."""

from collections.abc import Callable, Mapping, Sequence
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
    """Override sections; those in which a method is chosen follow rules of their own.

    Inherited runs of an entry of `samples` that is not there any more are left out; if none remain,
    each entry is a run.
    """
    merged = merge(base, override)
    for section, merge_section in _MERGES.items():
        before, changed = base.get(section), override.get(section)
        if isinstance(before, Mapping) and isinstance(changed, Mapping):
            merged[section] = merge_section(before, changed)
    evaluation, entries = merged.get("evaluation"), merged.get("samples")
    if "samples" in override and isinstance(evaluation, Mapping) and isinstance(entries, Mapping):
        if "runs" not in (override.get("evaluation") or {}):
            runs = _of_entries(evaluation.get("runs"), entries)
            merged["evaluation"] = {**evaluation, "runs": runs}
    return merged


def _of_entries(runs: Any, entries: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return the runs of these entries; if none is left, one of each entry."""
    if not isinstance(runs, Sequence):
        return runs
    kept = [run for run in runs if not isinstance(run, Mapping) or run.get("of") in entries]
    return kept or [{"of": name} for name in entries] or runs
