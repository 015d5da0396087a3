"""An experiment that was built twice: are the artifacts the same, and which is the first to differ?

Two builds on one kind of device, with the same versions, must agree to the byte. Across devices or
versions sums are rounded differently, and the numbers must agree within TOLERANCE.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfumato.errors import InputError
from sfumato.records.arrays import largest_difference
from sfumato.records.facts import depth_of, differing, facts_of_making, flat, settings_of
from sfumato.records.opening import Opened, open_record

TOLERANCE = 1e-3
"""Of values in [-1, 1], and of weights: a hundred times what another batch size was seen to do."""
PIXEL_TOLERANCE = 2.0  # of colours 0 .. 255: what TOLERANCE can move them, rounded up
NOT_BUILT = "not built yet"
_PICTURES = {".png", ".gif"}


@dataclass(frozen=True)
class Finding:
    """What was found for one artifact; `wrong` if it fails the verification."""

    name: str
    said: str
    wrong: bool = False


def artifacts_in(folder: Path) -> list[Opened]:
    """Return the arrays, figures and the checkpoint of an experiment, in the order of making."""
    paths = [path for path in folder.iterdir() if path.suffix in {".npz", *_PICTURES}]
    paths += [path for path in [folder / "checkpoint"] if path.is_dir()]
    return sorted(map(open_record, paths), key=lambda each: (depth_of(each.record), each.path.name))


def compare_folders(rebuilt: Path, results: Path) -> Iterator[Finding]:
    """Compare each artifact that was built again with the one in `results`."""
    for ours in artifacts_in(rebuilt):
        path = results / ours.path.name
        if not path.exists():
            yield Finding(ours.path.name, NOT_BUILT)
            continue
        try:
            yield _compare(ours, open_record(path))
        except InputError as error:
            yield Finding(ours.path.name, str(error), wrong=True)


def _compare(ours: Opened, theirs: Opened) -> Finding:
    name = ours.path.name
    if asked := other_settings(settings_of(theirs.record), ours):
        return Finding(name, asked, wrong=True)
    theirs.check()
    same = ours.digest == theirs.digest
    if ours.path.is_dir() and same:
        return Finding(name, "identical weights")
    if not ours.path.is_dir() and ours.path.read_bytes() == theirs.path.read_bytes():
        return Finding(name, "identical bytes")
    made = differing(*(facts_of_making(each.record) for each in (theirs, ours)))
    if same and made:
        return Finding(name, f"identical content, made differently: {made[0]}")
    largest, tolerance = largest_difference(ours.arrays, theirs.arrays), tolerance_of(name)
    elsewhere = [fact for fact in made if "versions." in fact or "device." in fact]
    said = f"differs by {largest:.3g} at most"
    if elsewhere and largest <= tolerance:
        return Finding(name, f"{said}; {tolerance:g} is allowed, since {elsewhere[0]}")
    return Finding(name, f"{said}; it was made by {theirs.record.script}", wrong=True)


def other_settings(theirs: dict[str, Any], ours: Opened) -> str:
    """Say in which settings an artifact differs from another; nothing if in none."""
    asked = differing(flat(theirs), flat(settings_of(ours.record)))
    return f"was made with other settings: {'; '.join(asked)}" if asked else ""


def tolerance_of(name: str, tolerance: float = TOLERANCE) -> float:
    """Return by how much the values of an artifact may differ on another device."""
    return PIXEL_TOLERANCE if Path(name).suffix in _PICTURES else tolerance
