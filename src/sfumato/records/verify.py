"""An experiment that was built twice: are the artifacts the same, and which is the first to differ?

Two builds on one kind of device, with the same versions, must agree to the byte. Across devices or
versions sums are rounded otherwise, and the numbers must agree within TOLERANCE.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sfumato.config.experiment import TIMED
from sfumato.config.fields import Real, Section
from sfumato.errors import InputError
from sfumato.records.artifacts import Artifact, in_memory, largest_difference, open_artifact
from sfumato.records.explain import depth_of, differing, facts_of_making, flat, settings_of

TOLERANCE = 1e-3
"""Of values in [-1, 1], and of weights: a hundred times what another batch size was seen to do."""
PIXEL_TOLERANCE = 2.0  # of colours 0 .. 255: what TOLERANCE can move them, rounded up
NOT_BUILT = "not built yet"
_N_VALUES = 8


@dataclass(frozen=True)
class Finding:
    """What was found for one artifact; `wrong` if it fails the verification."""

    name: str
    said: str
    wrong: bool = False


class Golden(Section):
    """What an experiment gave on the machine that the golden file names.

    Attributes:
        versions: of the packages.
        device: what computed.
        tolerance: for values in [-1, 1] that were computed elsewhere.
        artifacts: what was made.
    """

    versions: dict[str, str]
    device: dict[str, str]
    tolerance: Real
    artifacts: dict[str, "GoldenArtifact"]


class GoldenArtifact(Section):
    """An artifact in short: its settings, the digest of its content, some values of each array."""

    settings: dict[str, Any]
    content: str
    values: dict[str, list[float]]


def artifacts_in(folder: Path) -> list[Artifact]:
    """Return the artifacts of an experiment that can be built twice, what is made first before."""
    names = [path.name for path in folder.iterdir() if path.suffix in {".npz", ".png", ".gif"}]
    names += ["checkpoint"] if (folder / "checkpoint").is_dir() else []
    artifacts = [open_artifact(folder / name) for name in names if name not in TIMED]
    return sorted(artifacts, key=lambda each: (depth_of(each.record), each.path.name))


def compare_folders(rebuilt: Path, results: Path) -> Iterator[Finding]:
    """Compare each artifact that was built again with the one that lies in `results`."""
    for ours in artifacts_in(rebuilt):
        path = results / ours.path.name
        if not path.exists():
            yield Finding(ours.path.name, NOT_BUILT)
            continue
        try:
            yield _compare(ours, open_artifact(path))
        except InputError as error:
            yield Finding(ours.path.name, str(error), wrong=True)


def _compare(ours: Artifact, theirs: Artifact) -> Finding:
    name = ours.path.name
    asked = differing(*(flat(settings_of(each.record)) for each in (theirs, ours)))
    if asked:
        return Finding(name, f"was made with other settings: {'; '.join(asked)}", wrong=True)
    same = ours.digest() == theirs.digest()
    if ours.path.is_dir() and same:
        return Finding(name, "identical weights")
    if not ours.path.is_dir() and ours.path.read_bytes() == theirs.path.read_bytes():
        return Finding(name, "identical bytes")
    made = differing(*(facts_of_making(each.record) for each in (theirs, ours)))
    if same and made:
        return Finding(name, f"identical content, made otherwise: {made[0]}")
    largest, tolerance = largest_difference(ours.arrays(), theirs.arrays()), _tolerance(name)
    elsewhere = [fact for fact in made if "versions." in fact or "device." in fact]
    said = f"differs by {largest:.3g} at most"
    if elsewhere and largest <= tolerance:
        return Finding(name, f"{said}; {tolerance:g} is allowed, since {elsewhere[0]}")
    return Finding(name, f"{said}; it was made by {theirs.record.script}", wrong=True)


def compare_with_golden(rebuilt: Path, golden: Golden) -> Iterator[Finding]:
    """Compare what was built with the golden file: content, or else values within its tolerance."""
    for artifact in artifacts_in(rebuilt):
        name = artifact.path.name
        if name in golden.artifacts:
            yield _compare_with_golden(name, artifact, golden)


def _compare_with_golden(name: str, artifact: Artifact, golden: Golden) -> Finding:
    expected = golden.artifacts[name]
    asked = differing(flat(expected.settings), flat(settings_of(artifact.record)))
    if asked:
        return Finding(name, f"was made with other settings: {'; '.join(asked)}", wrong=True)
    if artifact.digest() == expected.content:
        return Finding(name, "identical content")
    ours, theirs = (
        {key: np.asarray(row) for key, row in values.items()}
        for values in (_some_values(artifact), expected.values)
    )
    largest = largest_difference(ours, theirs)
    tolerance = _tolerance(name, golden.tolerance)
    said = f"differs by {largest:.3g} at most; {tolerance:g} is allowed, elsewhere"
    return Finding(name, said, wrong=not largest <= tolerance)


def freeze(folder: Path) -> Golden:
    """Return the golden file of an experiment that was built in `folder`."""
    artifacts = artifacts_in(folder)
    computed = {key: value for each in artifacts for key, value in each.record.versions.items()}
    return Golden(
        versions=computed,
        device=next(each.record.device for each in artifacts if each.record.device),
        tolerance=TOLERANCE,
        artifacts={
            each.path.name: GoldenArtifact(
                settings=settings_of(each.record),
                content=each.digest(),
                values=_some_values(each),
            )
            for each in artifacts
        },
    )


def load_golden(path: Path) -> Golden:
    """Read a golden file; an InputError says what is wrong with it."""
    try:
        return Golden.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: this is no golden file ({reason})") from None


def _tolerance(name: str, tolerance: float = TOLERANCE) -> float:
    return PIXEL_TOLERANCE if Path(name).suffix in {".png", ".gif"} else tolerance


def _some_values(artifact: Artifact) -> dict[str, list[float]]:
    """Return of each array its mean, its standard deviation, and values from all over it."""
    values = {}
    for name, array in sorted(artifact.arrays().items()):
        numbers = in_memory(array).reshape(-1).astype(np.float64)
        places = np.linspace(0, len(numbers) - 1, min(_N_VALUES, len(numbers))).astype(int)
        some = [numbers.mean(), numbers.std(), *numbers[places]] if len(numbers) else []
        values[name] = [float(f"{value:.7g}") for value in some]
    return values
