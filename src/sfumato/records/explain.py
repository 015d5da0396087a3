"""From a file alone to what made it, in words, and to how it differs from another file."""

from collections.abc import Iterator

import yaml

from sfumato.records.arrays import largest_difference
from sfumato.records.facts import (
    Ancestor,
    ancestors,
    differing,
    facts_of_making,
    flat,
    settings_of,
)
from sfumato.records.opening import Opened
from sfumato.records.provenance import Record
from sfumato.records.rebuild import NAME, command_of


def explain(opened: Opened, command: str) -> str:
    """Say what made an artifact, for people; `command` is what prints its config.

    Raises:
        InputError: if it is damaged.
    """
    opened.check()
    record = opened.record
    lines = [f"{opened.path.name} is {record.artifact}", f"content   {opened.digest}", ""]
    lines += ["made by", *(line for each in ancestors(record) for line in _making(each))]
    settings = settings_of(record)
    lines += ["", f"seed      {settings.get('seed', 'none')}", "", "config"]
    text = yaml.safe_dump(settings, sort_keys=True, default_flow_style=None)
    lines += [f"  {line}" for line in text.splitlines()]
    config = f"{NAME}.yaml"
    lines += ["", "build it again", f"  {command} > {config}", f"  {command_of(record, config)}"]
    return "\n".join(lines)


def _making(ancestor: Ancestor) -> Iterator[str]:
    """Say how one file was made, indented by its distance from the artifact."""
    made, indent = ancestor.record, "  " * (ancestor.place.count(">") + 1)
    yield f"{indent}{made.script} -> {made.artifact}"
    details = {
        "content": ancestor.digest,
        "code": made.code,
        "part": f"samples {made.part.start} to {made.part.stop - 1}" if made.part else "",
        "versions": ", ".join(f"{key} {value}" for key, value in made.versions.items()),
        "device": ", ".join(f"{key} {value}" for key, value in made.device.items()),
    }
    yield from (f"{indent}  {key:9} {value}" for key, value in details.items() if value)
    if made.inputs:
        yield f"{indent}  from {', '.join(made.inputs)}:"


def difference(ours: Opened, theirs: Opened) -> str:
    """Say how two artifacts differ: in what made them, and in their content.

    Raises:
        InputError: if one is damaged.
    """
    ours.check()
    theirs.check()
    lines = differing_facts(ours.record, theirs.record) or ["both were made in the same way"]
    if ours.digest == theirs.digest:
        return "\n".join([*lines, "content: the same"])
    if not ours.arrays and not theirs.arrays:  # measurements
        values = differing(flat(ours.content), flat(theirs.content))
        return "\n".join([*lines, "content: it differs", *(f"  {value}" for value in values)])
    largest = largest_difference(ours.arrays, theirs.arrays)
    return "\n".join([*lines, f"content: it differs, by {largest:.3g} at most"])


def differing_facts(ours: Record, theirs: Record) -> list[str]:
    """Return a line for each setting, version or digest in which two records differ."""
    here, there = (flat(settings_of(record)) | facts_of_making(record) for record in (ours, theirs))
    return differing(here, there)
