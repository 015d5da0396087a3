"""From the settings in the record of a point, or of a sweep, to those of an experiment with it."""

from collections.abc import Mapping
from typing import Any

from sfumato.config.points import FOLDER

_OF_POINTS = ("sweep", "over", "points", "chains", "varied")
"""What the stages read that put points side by side, and no experiment has."""
_NAMES = ("varied", "point")
"""What an experiment that draws one point calls the entry, and the sweep, that it is of."""


def with_sweeps(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings whose `samples` are entries alone, and whose `sweeps` draw the points.

    The name of a point is its digest: an entry that differs in the number of samples, varied over
    the right number, is a sweep that draws it.
    """
    samples = settings.get("samples", {})
    entries = {name: each for name, each in samples.items() if not name.startswith(FOLDER)}
    if "varied" in settings:
        found = {key: value for key, value in settings.items() if key not in _OF_POINTS}
        found["samples"] = {**settings["varied"], **entries}
        if "sweep" in settings:
            (of,) = settings["varied"]
            over = {key: list(values) for key, values in settings["over"]}
            found["sweeps"] = {settings["sweep"]: {"of": of, "over": over}}
        return found
    if len(entries) == len(samples):
        return dict(settings)
    (point,) = samples.values()
    of, name = _NAMES
    n_samples = point["n_samples"]
    entry = {**point, "n_samples": 2 if n_samples == 1 else 1}
    sweep = {"of": of, "over": {"n_samples": [n_samples]}}
    return {**settings, "samples": {of: entry}, "sweeps": {name: sweep}}


def figure_of(artifact: str) -> str:
    """Return the figure that shows a point, in an experiment of `with_sweeps`; else nothing."""
    return f"sweep_{_NAMES[1]}.png" if artifact.startswith(FOLDER) else ""
