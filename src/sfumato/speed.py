"""Measured speed: what the sampling runs wrote down, DDPM beside DDIM."""

import json
from pathlib import Path
from typing import Any

from sfumato.errors import InputError

_KEYS = {"sampler", "steps", "n_samples", "micro_batch", "seconds", "device"}


def load_timing(path: Path) -> dict[str, Any]:
    """Read a `*.timing.json`; an InputError names a file that is not one."""
    try:
        timing = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: this cannot be read as a timing ({error})") from None
    if not isinstance(timing, dict) or not set(timing) >= _KEYS:
        raise InputError(f"{path}: this is not a timing; it must hold {', '.join(sorted(_KEYS))}")
    return timing


def compare(ddpm: dict[str, Any], ddim: dict[str, Any]) -> dict[str, Any]:
    """Return both runs, and how many times DDIM's steps and seconds DDPM takes.

    Seconds count the loop alone, without compilation, and per sample of a filled micro-batch.

    Raises:
        InputError: if the two ran on different devices, which makes the ratio mean nothing.
    """
    if ddpm["device"] != ddim["device"]:
        raise InputError(
            f"DDPM ran on {ddpm['device']} and DDIM on {ddim['device']}: sample both on one device"
        )
    return {
        "ddpm": ddpm,
        "ddim": ddim,
        "steps_ratio": ddpm["steps"] / ddim["steps"],
        "seconds_ratio": _seconds_per_sample(ddpm) / _seconds_per_sample(ddim),
        "device": ddpm["device"],
    }


def _seconds_per_sample(timing: dict[str, Any]) -> float:
    """Seconds of the loop per place in a micro-batch: the places that fill it up cost the same."""
    places = -(-timing["n_samples"] // timing["micro_batch"]) * timing["micro_batch"]
    return timing["seconds"]["run"] / places
