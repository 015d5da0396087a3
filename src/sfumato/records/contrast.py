"""How two artifacts differ: in settings, in how they were made, in what is in them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from sfumato.config.wording import some
from sfumato.records.arrays import Arrays, largest_difference
from sfumato.records.facts import ancestors, entries_of, flat, settings_of
from sfumato.records.opening import Opened
from sfumato.records.provenance import Record

MOST_VALUES = 4
"""How many settings of a section are said that only one artifact has."""
_DIGEST = 12  # characters that tell two digests apart


def contrast(ours: Opened, theirs: Opened) -> list[str]:
    """Return lines on how two artifacts differ, `left | right`; none if they do not.

    Raises:
        InputError: if one is damaged.
    """
    ours.check()
    theirs.check()
    settings = list(_unlike_settings(*(settings_of(each.record) for each in (ours, theirs))))
    making = list(_unlike_making(ours.record, theirs.record))
    content = content_difference(ours, theirs)
    if not (settings or making or content):
        return []
    lines = [f"left    {ours.path}", f"right   {theirs.path}", ""]
    for heading, found in (("settings", settings), ("made", making)):
        if found:
            lines += [heading, *(f"  {line}" for line in found), ""]
    if not (settings or making):
        lines += ["both were made in the same way"]
    return [*lines, *(content or ["content: the same"])]


def content_difference(ours: Opened, theirs: Opened) -> list[str]:
    """Return lines on how the contents of two artifacts differ; none if they do not."""
    if ours.digest == theirs.digest:
        return []
    if ours.arrays or theirs.arrays:
        return [f"content: it differs, {array_difference(ours.arrays, theirs.arrays)}"]
    values = _unlike(*(_without_records(each.content) for each in (ours, theirs)))
    return ["content: it differs", *(f"  {line}" for line in values)]


def array_difference(ours: Arrays, theirs: Arrays) -> str:
    """Say how the arrays of two artifacts differ: in names, in shapes, or by how much."""
    if {*ours} != {*theirs}:
        held, other = (", ".join(each) or "no arrays" for each in (ours, theirs))
        return f"with other arrays: {held} | {other}"
    for name in ours:
        here, there = (str(tuple(each[name].shape)) for each in (ours, theirs))
        if here != there:
            return f"{name} in its shape: {here} | {there}"
    largest = largest_difference(ours, theirs)
    if np.isnan(largest):
        return "in numbers that are NaN"
    return f"by {largest:.3g} at most{', of colours 0 .. 255' if 'pixels' in ours else ''}"


def _without_records(content: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what measurements inside a measurement say of their making."""
    return {
        name: _without_records(value) if isinstance(value, Mapping) else value
        for name, value in content.items()
        if name != "provenance"
    }


def _unlike_settings(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each setting; of two entries of one sampler, whatever they are called."""
    here, there = map(entries_of, (ours, theirs))
    if len(here) == len(there) == 1 and here.keys() != there.keys():
        (name, entry), (other, its) = *here.items(), *there.items()
        if entry.get("sampler") == its.get("sampler"):
            yield f"samples: {name} | {other}"
            theirs = {**theirs, "samples": {name: its}}
    yield from _unlike(ours, theirs)


def _unlike(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each value that two nested mappings do not share, or section of one."""
    here, there = flat(ours), flat(theirs)
    for name, value in here.items():
        if name in there and value != there[name]:
            yield f"{name}: {value} | {there[name]}"
    for side, own, other in (("left", here, there), ("right", there, here)):
        groups: dict[str, dict[str, str]] = {}
        for name in sorted(name for name in own if name not in other):
            section = _outermost(name, other)
            groups.setdefault(section, {})[name.removeprefix(f"{section}.")] = own[name]
        for section, values in groups.items():
            said = some([f"{name} {value}" for name, value in values.items()], MOST_VALUES)
            yield f"only {side}: {section} ({said})" if section else f"only {side}: {said}"


def _outermost(name: str, others: Iterable[str]) -> str:
    """Return the shortest beginning of a path with which none of the others begins, `training`.

    If there is none, it is all but the last part; nothing, if there is one part.
    """
    parts = name.split(".")
    sections = [".".join(parts[:n]) for n in range(1, len(parts))]
    for section in sections:
        if not any(f"{each}.".startswith(f"{section}.") for each in others):
            return section
    return sections[-1] if sections else ""


def _unlike_making(ours: Record, theirs: Record) -> Iterator[str]:
    """Yield the facts in which two artifacts, or what they were made from, were made otherwise.

    A fact that differs in the same way for several of them is one line.
    """
    here, there = ({each.place: each for each in ancestors(made)} for made in (ours, theirs))
    places: dict[str, list[str]] = {}
    for place in [place for place in here if place in there]:
        facts = [_facts(each[place].record, each[place].digest) for each in (here, there)]
        for line in _unlike(*facts):
            places.setdefault(line, []).append(place.removesuffix(" > ") or "the file itself")
    for line, found in places.items():
        yield line if found == ["the file itself"] else f"{line} (of {', '.join(found)})"
    for side, own, other in (("left", here, there), ("right", there, here)):
        for place in own:
            above = place.removesuffix(" > ").rpartition(" > ")[0]
            if place not in other and (not above or f"{above} > " in other):
                made = own[place].record
                yield f"only {side}: {place.removesuffix(' > ')} ({made.script} -> {made.artifact})"


def _facts(record: Record, digest: str) -> dict[str, Any]:
    """Return how one artifact was made, settings and inputs apart, digests cut short."""
    about = record.model_dump(exclude={"settings", "inputs", "arrays"})
    content = {"content": digest[:_DIGEST]} if digest else {}
    return {**about, "code": record.code[:_DIGEST], **content}
