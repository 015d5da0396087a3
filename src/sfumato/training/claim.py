"""Whose state a folder of training holds: this run's, or another's, which is set aside.

A run goes on from a state only if it is its own: the same settings, inputs, code, versions and
device, so that it ends with the weights of a run that was not stopped. Any other state stays, in a
folder of its own beside. It comes back when its run does; or when the user puts a file `resume` in
its folder, if it differs in code, versions or device alone. What is made then says so.
"""

import json
import logging
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from sfumato.config.paths import shown
from sfumato.records.damage import unreadable
from sfumato.records.facts import flat, unlike
from sfumato.records.outputs import file_aside, move_folder

IDENTITY, STEPS, RESUME = "identity.json", "steps", "resume"
OURS = re.compile(
    rf"{STEPS}|{RESUME}|damaged(-\d+)+|\.?{IDENTITY}|\.identity\.\d+\.part\.json|\.DS_Store|\.nfs.*"
)
"""What is in a folder of training."""
_SAME = ("settings.", "inputs.")  # without which the record of the result would not be true
_MOST_NAMED = 4
_LOG = logging.getLogger("sfumato")


class _Kept(NamedTuple):
    """What identity.json says.

    Attributes:
        run: whose state it is; nothing, where that cannot be read.
        resumed: how the run went on from the state of another; empty if it never did.
    """

    run: Mapping[str, Any]
    resumed: str


def claim(folder: Path, run: Mapping[str, Any]) -> str:
    """Make a folder that of a run, with its state if there is one, and set that of another aside.

    Returns:
        How the run goes on from the state of another; empty if it does not.
    """
    run = json.loads(json.dumps(run))  # as it is read again
    places = [folder, *_beside(folder)]
    chosen = next((place for place in places if _is_chosen(place, run)), None)
    own = next((place for place in places if _read(place).run == run), None)
    kept = _Kept(run, _read(own).resumed if own else "")
    if chosen:
        kept = _Kept(run, _resumed(chosen, run))
        last = steps_in(chosen)[-1]
        how = kept.resumed or "from a run of its own"
        _LOG.warning("%s: training goes on at step %d, %s", shown(chosen), last, how)
        (chosen / RESUME).unlink()
    found = chosen or own
    if found != folder:
        _set_aside(folder, run)
        if found:
            move_folder(found, folder)
    text = json.dumps(kept._asdict(), sort_keys=True)
    with file_aside(folder / IDENTITY) as part:
        part.write_text(text, encoding="utf-8")
    return kept.resumed


def free(folder: Path) -> Path:
    """Return the first of `folder-1`, `folder-2` and so on that is not there."""
    number = 1
    while os.path.lexists(place := folder.with_name(f"{folder.name}-{number}")):
        number += 1
    return place


def steps_in(folder: Path) -> list[int]:
    """Return the steps of the states that a folder holds, in order."""
    states = folder / STEPS
    return sorted(int(name) for name in names_in(states) if name.isdecimal())


def remove(folder: Path) -> None:
    """Delete what is in a folder of training, and the folder unless it holds more."""
    for name in names_in(folder):
        path = folder / name
        if path.is_dir() and OURS.fullmatch(name):
            shutil.rmtree(path, ignore_errors=True)
        elif OURS.fullmatch(name):
            path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def _set_aside(folder: Path, run: Mapping[str, Any]) -> None:
    """Rename the folder of another run; delete it if it holds no state."""
    steps = steps_in(folder)
    if not steps:
        remove(folder)
        return
    place, before = free(folder), _read(folder).run
    move_folder(folder, place)
    reason = f"of another run: {_some(_differences(before, run))}"
    advice = "If you change that back, training goes on from it; else delete it"
    if not before:
        reason, advice = f"of an unknown run: its {IDENTITY} cannot be read", "Delete it"
    elif before == run:
        reason = "of a run of its own"
    if _may_go_on(before, run):
        mark = shlex.quote(str(place / RESUME))
        advice = f"To go on from it all the same: touch {mark}, and run the same command again"
    _LOG.warning(
        "%s: the state of step %d is %s. It is kept as %s, and this run does not go on from it. %s",
        *(shown(folder), steps[-1], reason, shown(place), advice),
    )


def _is_chosen(place: Path, run: Mapping[str, Any]) -> bool:
    """Tell whether the user wants to go on from a state that another device, say, made."""
    if not os.path.lexists(place / RESUME):
        return False
    before = _read(place).run
    if _may_go_on(before, run) and steps_in(place):
        return True
    differences = _some(_differences(before, run)) or "it holds no state that can be read"
    _LOG.warning("%s: training cannot go on from here: %s", shown(place), differences)
    return False


def _may_go_on(before: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
    other = unlike(flat(before), flat(run))
    return bool(before) and not any(key.startswith(_SAME) for key in other)


def _resumed(place: Path, run: Mapping[str, Any]) -> str:
    """Write how a run goes on from a state of another."""
    before = _read(place)
    differences = "; ".join(_differences(before.run, run))
    said = [before.resumed, f"from a run with {differences}" if differences else ""]
    return ", then ".join(filter(None, said))


def _differences(before: Mapping[str, Any], run: Mapping[str, Any]) -> list[str]:
    """Write what differs: `training.loss: mse, now huber`."""
    theirs, ours = flat(before), flat(run)
    if not theirs:
        return []
    return [
        f"{key.removeprefix('settings.')}: {_short(theirs, key)}, now {_short(ours, key)}"
        for key in unlike(theirs, ours)
    ]


def _some(differences: Sequence[str]) -> str:
    """Join the first of many differences."""
    more = [f"{len(differences) - _MOST_NAMED} more"] if len(differences) > _MOST_NAMED else []
    return "; ".join([*differences[:_MOST_NAMED], *more])


def _short(facts: Mapping[str, str], key: str) -> str:
    """Return a value; of a digest the first digits."""
    value = facts.get(key, "none")
    return value[:12] if re.fullmatch(r"[0-9a-f]{64}", value) else value


def _beside(folder: Path) -> Iterator[Path]:
    """Yield the folders of states that were set aside, the latest first."""
    name = re.compile(rf"{re.escape(folder.name)}-(\d+)")
    found = [match for each in names_in(folder.parent) if (match := name.fullmatch(each))]
    for match in sorted(found, key=lambda match: -int(match[1])):
        yield folder.with_name(match[0])


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder; none where there is no folder."""
    return os.listdir(folder) if folder.is_dir() else []


def _read(folder: Path) -> _Kept:
    """Read identity.json; a file of an earlier version holds the run alone.

    Raises:
        InputError: if it may be whole, and cannot be read.
    """
    path = folder / IDENTITY
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        text = b""
    except OSError as error:
        raise unreadable(path, error.strerror or str(error)) from None
    with suppress(ValueError, AttributeError, TypeError, RecursionError):
        content = json.loads(text)
        return _Kept(dict(content.get("run", content)), str(content.get("resumed", "")))
    return _Kept({}, "")
