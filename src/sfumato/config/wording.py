"""Settings and lists in words, for people: `eta 0.5`, `no clip`, `a, b and 3 more`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

NAMES = {"dpm_solver": "DPM-Solver++", "heun": "Heun", "unipc": "UniPC"}
"""Samplers whose papers do not write them in capitals."""

USUAL_ENTRY = {
    "spacing": "trailing",
    "rho": 7.0,
    "clip": True,
    "percentile": 99.5,
    "guidance": None,
    "seed": None,
}
"""Defaults of what every entry of `samples` has; only another value is said."""
USUAL_GUIDANCE = {"interval": None, "rescale": 0.0, "checkpoint": None, "digest": None}
"""Defaults of knobs of guidance; only another value is said."""


def called(sampler: str) -> str:
    """Return what the papers call a sampler; capitals, `DDIM`, unless this file knows better."""
    return NAMES.get(sampler, sampler.upper())


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


def some(words: Sequence[str], most: int) -> str:
    """Join the first words, and say how many more there are: `a, b and 3 more`."""
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more} more" if more > 0 else "")


def exact(value: float) -> str:
    """Write a number in as few digits as tell it from every other: `0.5`, `1e-05`."""
    text = f"{value:g}"
    return text if float(text) == value else repr(value)
