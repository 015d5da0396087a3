"""An experiment that was built twice: are the artifacts the same, and which is the first to differ?

Two builds on one kind of device, with the same versions, must agree to the byte. Across devices or
versions sums are rounded differently, and the numbers must agree within TOLERANCE.
"""

import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfumato.errors import InputError
from sfumato.records.arrays import largest_difference
from sfumato.records.contrast import array_difference
from sfumato.records.facts import ancestors, depth_of, differing, facts_of_making, flat, settings_of
from sfumato.records.finding import PICTURES, TIMED, find_artifacts
from sfumato.records.opening import Opened, open_record
from sfumato.records.provenance import Record

TOLERANCE = 1e-3
"""Of values in [-1, 1], and of weights: a hundred times what another batch size was seen to do."""
PIXEL_TOLERANCE = 2.0  # of colours 0 .. 255: what TOLERANCE can move them, rounded up
NOT_BUILT = "not built yet"
NOTHING_REPEATED = (
    "nothing to compare: all its figures show measured times, which no second build repeats"
)


@dataclass(frozen=True)
class Finding:
    """What was found for one artifact; `wrong` if it fails the verification."""

    name: str
    said: str
    wrong: bool = False


def artifacts_in(folder: str | Path) -> dict[str, Opened]:
    """Return what an experiment built, by its place in the folder, in the order of making.

    What shows measured times is left out: no second build repeats it.
    """
    folder = Path(folder)
    opened = {path.relative_to(folder).as_posix(): open_record(path) for path in _untimed(folder)}
    untimed = {name: each for name, each in opened.items() if not shows_times(each.record)}
    return dict(sorted(untimed.items(), key=lambda item: (depth_of(item[1].record), item[0])))


def without_second_build(place: Path) -> str:
    """Say what is wrong where there is no second build; nothing, where none can be."""
    if place.parent.is_dir() and not place.is_dir():
        return f"{place}: no experiment of this name is built"
    if place.is_dir() and any(name.endswith(PICTURES) for name in artifacts_in(place)):
        return f"{place}: there is no second build of it; `snakemake --cores 1 verify` makes one"
    return ""


def shows_times(record: Record) -> bool:
    """Say whether an artifact is made from measured times."""
    return any(each.record.artifact.endswith(TIMED) for each in ancestors(record))


def forget_others(folder: str | Path, asked: Collection[Path]) -> None:
    """Delete from a second build what is neither asked for nor needed for it.

    An interrupted verification left it there, before other figures were asked for.
    """
    artifacts, asked = artifacts_in(folder), {path.resolve() for path in asked}
    wanted = [each for each in artifacts.values() if each.path.resolve() in asked]
    needed = {each.digest for whole in wanted for each in ancestors(whole.record)}
    for each in artifacts.values():
        if each not in wanted and each.digest not in needed:
            shutil.rmtree(each.path) if each.path.is_dir() else each.path.unlink()


def _untimed(folder: Path) -> Iterator[Path]:
    return (path for path in find_artifacts(folder) if not path.name.endswith(TIMED))


def compare_folders(rebuilt: str | Path, results: str | Path) -> Iterator[Finding]:
    """Compare each artifact that was built again with the one in `results`."""
    rebuilt, results = Path(rebuilt), Path(results)
    for name, ours in artifacts_in(rebuilt).items():
        path = results / name
        if not path.exists():
            yield Finding(name, NOT_BUILT)
            continue
        try:
            yield _compare(name, ours, open_record(path))
        except InputError as error:
            yield Finding(name, str(error), wrong=True)


def _compare(name: str, ours: Opened, theirs: Opened) -> Finding:
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
    said = "it differs"
    if ours.arrays:
        said += f" {array_difference(ours.arrays, theirs.arrays)}"
    elsewhere = [fact for fact in made if "versions." in fact or "device." in fact]
    if not elsewhere:
        return Finding(name, f"{said}; it was made by {theirs.record.script}", wrong=True)
    tolerance, fact = tolerance_of(name), elsewhere[0].rpartition(" > ")[2]
    allowed = f"up to {tolerance:g} is allowed, since the two were made with {fact}"
    within = largest_difference(ours.arrays, theirs.arrays) <= tolerance
    return Finding(name, f"{said}; {allowed}", wrong=not (ours.arrays and within))


def other_settings(theirs: dict[str, Any], ours: Opened) -> str:
    """Say in which settings an artifact differs from another; nothing if in none."""
    asked = differing(flat(theirs), flat(settings_of(ours.record)))
    return f"was made with other settings: {'; '.join(asked)}" if asked else ""


def tolerance_of(name: str, tolerance: float = TOLERANCE) -> float:
    """Return by how much the values of an artifact may differ on another device."""
    return PIXEL_TOLERANCE if Path(name).suffix in PICTURES else tolerance
