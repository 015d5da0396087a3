"""The golden file of an experiment: a summary of what it gave on one machine.

golden/mine.json               on the project's usual kind of device
golden/nvidia-h100/mine.json   on another kind, whose name is the folder's
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sfumato.config.fields import Real, Section
from sfumato.errors import InputError
from sfumato.records.arrays import largest_difference
from sfumato.records.contrast import array_difference
from sfumato.records.damage import readable
from sfumato.records.facts import settings_of
from sfumato.records.opening import Opened
from sfumato.records.verify import TOLERANCE, Finding, artifacts_in, other_settings, tolerance_of

_N_VALUES = 8


class GoldenArtifact(Section):
    """A summary of one artifact."""

    settings: dict[str, Any]
    """All that it and what it was made from read of the config."""
    content: str
    """The digest of what is in it."""
    values: dict[str, list[float]]
    """Of each array the mean, the standard deviation, and values from all over it."""


class Golden(Section):
    """What an experiment gave on one machine."""

    versions: dict[str, str]
    """Of the packages."""
    device: dict[str, str]
    """What computed."""
    tolerance: Real
    """For values in [-1, 1] that were computed elsewhere."""
    artifacts: dict[str, GoldenArtifact]
    """What was made."""


def freeze(folder: str | Path) -> Golden:
    """Return the golden file of an experiment built in `folder`, without measured times.

    Raises:
        InputError: if there is nothing else.
    """
    folder = Path(folder)
    artifacts = artifacts_in(folder)
    made = [each.record for each in artifacts.values()]
    if not made:
        raise InputError(f"{folder}: nothing is built there whose content a second build repeats")
    return Golden(
        versions={key: value for each in made for key, value in each.versions.items()},
        device=next((each.device for each in made if each.device), {}),
        tolerance=TOLERANCE,
        artifacts={
            name: GoldenArtifact(
                settings=settings_of(each.record),
                content=each.digest,
                values=_some_values(each),
            )
            for name, each in artifacts.items()
        },
    )


def golden_for(folder: str | Path, experiment: str, rebuilt: str | Path) -> Path | None:
    """Return the golden file of the kind of device that built `rebuilt`, or else the usual one.

    None if there is neither.
    """
    devices = (each.record.device for each in artifacts_in(rebuilt).values())
    kinds = {device["kind"] for device in devices if device}
    names = [re.sub("[^a-z0-9]+", "-", kind.lower()).strip("-") for kind in sorted(kinds)]
    files = (Path(folder, place, f"{experiment}.json") for place in (*names, "."))
    return next((file for file in files if file.exists()), None)


def load_golden(path: str | Path) -> Golden:
    """Read a golden file; an InputError says what is wrong with it."""
    path = Path(path)
    with readable(path, "golden file"):
        return Golden.model_validate(json.loads(path.read_bytes()))


def compare_with_golden(rebuilt: str | Path, golden: Golden) -> Iterator[Finding]:
    """Compare what was built with the golden file: content, or else values within its tolerance."""
    rebuilt = Path(rebuilt)
    for name, opened in artifacts_in(rebuilt).items():
        if name in golden.artifacts:
            yield _compare(name, opened, golden)


def _compare(name: str, opened: Opened, golden: Golden) -> Finding:
    expected = golden.artifacts[name]
    if asked := other_settings(expected.settings, opened):
        return Finding(name, asked, wrong=True)
    if opened.digest == expected.content:
        return Finding(name, "identical content")
    ours, theirs = (
        {key: np.asarray(row) for key, row in values.items()}
        for values in (_some_values(opened), expected.values)
    )
    tolerance = tolerance_of(name, golden.tolerance)
    said = f"it differs {array_difference(ours, theirs)}"
    allowed = f"up to {tolerance:g} is allowed on another machine"
    within = bool(ours) and largest_difference(ours, theirs) <= tolerance
    return Finding(name, f"{said}; {allowed}", wrong=not within)


def _some_values(opened: Opened) -> dict[str, list[float]]:
    values = {}
    for name, array in sorted(opened.read().items()):
        numbers = array.reshape(-1).astype(np.float64)
        places = np.linspace(0, len(numbers) - 1, min(_N_VALUES, len(numbers))).astype(int)
        some = [numbers.mean(), numbers.std(), *numbers[places]] if len(numbers) else []
        values[name] = [float(f"{value:.7g}") for value in some]
    return values
