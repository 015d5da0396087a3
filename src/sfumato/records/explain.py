"""From a file alone to what made it, in words."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from sfumato.config.paths import shown
from sfumato.config.wording import some
from sfumato.errors import InputError
from sfumato.records.damage import ForeignError
from sfumato.records.facts import Ancestor, ancestors, entries_of, settings_of
from sfumato.records.finding import find_artifacts
from sfumato.records.opening import Opened, open_record
from sfumato.records.provenance import Record
from sfumato.records.rebuild import NAME, command_of, config_of, needs_of

MOST_WORDS = 4
"""Arrays, or values of a measurement, that are named in a line."""


def explain(opened: Opened, command: str) -> str:
    """Say what made an artifact, for people; `command` is what prints its config.

    Raises:
        InputError: if it is damaged.
    """
    opened.check()
    record = opened.record
    lines = [f"{shown(opened.path.name)} is {kind_of(opened)}", f"content   {opened.digest}", ""]
    lines += ["made by", *(line for each in ancestors(record) for line in _making(each))]
    settings = settings_of(record)
    lines += ["", f"seed      {_seed(settings)}", "", "config"]
    text = yaml.safe_dump(settings, sort_keys=True, default_flow_style=None)
    lines += [f"  {line}" for line in text.splitlines()]
    return "\n".join([*lines, "", *_rebuilding(record, command)])


def _seed(settings: Mapping[str, Any]) -> object:
    """Return the seed with which something was made: an entry of samples may have its own."""
    own = [entry.get("seed") for entry in entries_of(settings).values()]
    alike = own and own[0] is not None and own.count(own[0]) == len(own)
    return own[0] if alike else settings.get("seed", "none")


def _rebuilding(record: Record, command: str) -> Iterator[str]:
    """Say how to build an artifact again, or why that cannot be."""
    try:
        config, file = config_of(record), f"{NAME}.yaml"
        build = command_of(record, file)
    except InputError as error:
        yield f"it cannot be built again: {error}"
        return
    yield "build it again"
    yield f"  {command} > {file}"
    yield from (f"  # {need}" for need in needs_of(config))
    yield f"  {build}"
    if record.part:
        yield "  # all samples, these among them"


def kind_of(opened: Opened) -> str:
    """Say what an artifact is: its kind and its size, and its name where the file has another."""
    record = opened.record
    said = f"samples {_part(record)} of " if record.part else ""
    said += _what(opened)
    if title := record.settings.get("render", {}).get("title"):
        said += f", of the experiment {title}"
    if opened.path.is_file() and opened.path.name != PurePosixPath(record.artifact).name:
        said = f"{record.artifact}, {said}"
    return said


def _what(opened: Opened) -> str:
    arrays, content = opened.arrays, opened.content
    if opened.path.is_dir():
        return f"a checkpoint, a network of {content.get('parameters', 'unknown')} parameters"
    if "pixels" in arrays:
        frames, height, width, _ = arrays["pixels"].shape
        many = f"an animation of {frames} frames" if frames > 1 else "a figure"
        return f"{many}, {width} x {height} pixels"
    if not arrays and opened.record.arrays:
        return f"a table of {len(content)} rows"
    if not arrays:
        return f"a measurement ({some(list(content), MOST_WORDS)})"
    if "step" in arrays:
        return f"the history of {arrays['step'].shape[0]} training steps"
    shapes = [f"{name} {tuple(map(int, each.shape))}" for name, each in arrays.items()]
    return f"arrays ({some(shapes, MOST_WORDS)})"


def _part(record: Record) -> str:
    return f"{record.part.start} to {record.part.stop - 1}" if record.part else ""


def _making(ancestor: Ancestor) -> Iterator[str]:
    """Say how one file was made, indented by its distance from the artifact."""
    made, indent = ancestor.record, "  " * (ancestor.place.count(">") + 1)
    yield f"{indent}{made.script} -> {made.artifact}"
    details = {
        "content": ancestor.digest,
        "code": made.code,
        "part": f"samples {_part(made)}" if made.part else "",
        "versions": ", ".join(f"{key} {value}" for key, value in made.versions.items()),
        "device": ", ".join(f"{key} {value}" for key, value in made.device.items()),
    }
    yield from (f"{indent}  {key:9} {value}" for key, value in details.items() if value)
    if made.inputs:
        yield f"{indent}  from {', '.join(made.inputs)}:"


def explain_folder(folder: Path) -> Iterator[tuple[str, bool]]:
    """Yield the artifacts below a folder: a line on each, and whether it is wrong.

    Files that do not say what made them are counted in a line at the end.

    Raises:
        InputError: if there is nothing in it that says what made it.
    """
    found = others = 0
    for path in find_artifacts(folder):
        try:
            opened = open_record(path)
            opened.check()
            record = opened.record
            seed = f" with seed {_seed(record.settings)}" if "seed" in record.settings else ""
            yield f"{shown(path)}: {kind_of(opened)}; made by {record.script}{seed}", False
        except ForeignError:
            others += 1
            continue
        except InputError as error:
            yield str(error), True
        found += 1
    if not found:
        raise InputError(
            f"{shown(folder)}: this folder is no checkpoint, and no file in it says what made it"
        )
    if others:
        yield f"files that do not say what made them: {others}", False
