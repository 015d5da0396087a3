"""What a record says, laid out: all settings, all facts of making, and where two records differ."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sfumato.config.nested import leaf_items
from sfumato.records.provenance import Record

OTHER = "other"
"""What the record of a likelihood calls the images of another experiment."""
INITIAL = "initial"
"""What the record of a training calls the weights that it began with."""


class Ancestor(NamedTuple):
    """Something that an artifact was made from, or the artifact itself.

    Attributes:
        place: the way to it from the artifact, `arrays > checkpoint > `.
        digest: of its content; empty for the artifact itself.
        record: what made it.
    """

    place: str
    digest: str
    record: Record


def ancestors(
    record: Record, place: str = "", digest: str = "", *, own: bool = False
) -> Iterator[Ancestor]:
    """Yield an artifact, then all that it was made from, the nearest first.

    Those that are `own` are not of another experiment.
    """
    yield Ancestor(place, digest, record)
    for name, origin in record.inputs.items():
        if not (own and is_of_another(record, name)):
            yield from ancestors(origin.provenance, f"{place}{name} > ", origin.digest, own=own)


def makers(record: Record) -> Iterator[Record]:
    """Yield an artifact and what it was made from, the nearest first, as `ancestors` does.

    What its network had learnt before its last training is left out.
    """
    yield record
    for name, origin in record.inputs.items():
        if name != INITIAL:
            yield from makers(origin.provenance)


def is_of_another(record: Record, name: str) -> bool:
    """Tell whether an input holds another experiment's images, whose likelihood was measured."""
    return name == OTHER and bool(record.settings.get("likelihood", {}).get("other"))


def depth_of(record: Record) -> int:
    """Return how many steps precede an artifact: 0 for what is made from nothing."""
    return max((1 + depth_of(origin.provenance) for origin in record.inputs.values()), default=0)


def settings_of(record: Record) -> dict[str, Any]:
    """Return the settings of an artifact and of all it was made from; the nearest overrides.

    Of images, that are those that the artifact itself was made from, and not those from which a
    network had learnt that was adopted.
    """
    settings: dict[str, Any] = {}
    found = reversed(list(ancestors(record, own=True)))
    for ancestor in sorted(found, key=lambda each: each.place.count(" > "), reverse=True):
        for section, value in ancestor.record.settings.items():
            both = isinstance(value, Mapping) and isinstance(settings.get(section), Mapping)
            settings[section] = {**settings[section], **value} if both else value
    return settings


def entries_of(settings: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the entries of `samples` among the settings of a record, which nothing has checked."""
    samples = settings.get("samples")
    found = samples.items() if isinstance(samples, Mapping) else ()
    return {name: entry for name, entry in found if isinstance(entry, Mapping)}


def facts_of_making(record: Record) -> dict[str, str]:
    """Return, flat, how an artifact and all it was made from were made; settings apart."""
    facts = {}
    for place, digest, made in ancestors(record):
        about = made.model_dump(exclude={"settings", "inputs", "arrays"})
        facts |= flat({**about, "content": digest}, place)
    return facts


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten nested values: {"a": {"b": 1}} -> {"a.b": "1"}."""
    return {path: str(value) for path, value in leaf_items(values, prefix)}


def differing(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """Return a line for each name that has another value in `theirs`."""
    return [
        f"{name}: {ours.get(name, 'nothing')} | {theirs.get(name, 'nothing')}"
        for name in unlike(ours, theirs)
    ]


def unlike(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """Return the names that have another value in `theirs`, or are in one of the two alone."""
    return [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
