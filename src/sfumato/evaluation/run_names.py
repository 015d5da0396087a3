"""What the runs of an evaluation are called, for people: by what tells them apart."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sfumato.config.wording import phrase
from sfumato.evaluation.quality import Row

VARIED = ("sampler", "steps", "n_samples", "seed")
"""Settings that make no method of their own: the sampler names it, the others are its runs."""


def labels(rows: Sequence[Row]) -> dict[str, str]:
    """Name each run by its method and its network evaluations: `DDIM-50, eta 0.5`."""
    return {
        row.run: ", ".join([f"{sampler}-{row.nfe}", *differences])
        for row, (sampler, *differences) in zip(rows, _methods(rows), strict=True)
    }


def methods(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Sort runs into methods, those that differ in steps alone, each by network evaluations.

    A method is named after its sampler, and after the settings in which it differs from the first
    run of that sampler: `DDIM`, and `DDIM, eta 0.5`.
    """
    names = {row.run: ", ".join(words) for row, words in zip(rows, _methods(rows), strict=True)}
    found: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.nfe):
        found.setdefault(names[row.run], []).append(row)
    return found


def _methods(rows: Sequence[Row]) -> Iterator[list[str]]:
    """Yield for each run its sampler, and in what it differs from the sampler's first run."""
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        sampler, knobs = row.settings["sampler"], dict(_leaves(row.settings))
        yield [sampler.upper(), *_differences(knobs, first.setdefault(sampler, knobs))]


def _differences(knobs: Mapping[str, Any], usual: Mapping[str, Any]) -> list[str]:
    """Name the settings in which a run differs, but for those that every run of a method varies."""
    return [
        phrase(key.rpartition(".")[2], value)
        for key, value in knobs.items()
        if key not in VARIED and (key not in usual or usual[key] != value)
    ]


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Walk settings within settings: `guidance.scale`, and its value."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
