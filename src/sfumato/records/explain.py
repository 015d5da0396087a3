"""From a file alone to what made it, in words, and to the config and command that make it again."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from sfumato.records.artifacts import Artifact, largest_difference
from sfumato.records.provenance import Record
from sfumato.samplers import SAMPLERS

NAME = "rebuilt"
_UNREAD: dict[str, dict[str, Any]] = {
    "forward": {"index": 0, "timesteps": [0]},
    "trajectory": {"snapshots": 1},
    **{sampler: {"steps": 1} for sampler in SAMPLERS},
}
"""Settings that fit any others, for sections that an artifact does not depend on."""


def settings_of(record: Record) -> dict[str, Any]:
    """Return the settings of an artifact and of all it was made from, the nearest first."""
    settings: dict[str, Any] = {}
    for *_, ancestor in reversed(list(_steps(record))):
        for section, value in ancestor.settings.items():
            both = isinstance(value, Mapping) and isinstance(settings.get(section), Mapping)
            settings[section] = {**settings[section], **value} if both else value
    return settings


def config_of(record: Record) -> dict[str, Any]:
    """Return a config whose one experiment, `rebuilt`, makes the artifact again."""
    return {"targets": [NAME], "experiments": {NAME: {**_UNREAD, **settings_of(record)}}}


def command_of(record: Record, config: str) -> str:
    """Return the command that makes the artifact from the config file `config`."""
    return f"snakemake --cores 1 results/{NAME}/{record.artifact} --configfile {config}"


def explain(artifact: Artifact, command: str) -> str:
    """Say what made an artifact, for people; `command` is what prints its config."""
    record = artifact.record
    lines = [f"{artifact.path.name} is {record.artifact}", f"content   {artifact.digest()}", ""]
    lines += ["made by"]
    for place, digest, made in _steps(record):
        indent = "  " * (place.count(">") + 1)
        lines.append(f"{indent}{made.script} -> {made.artifact}")
        details = {"content": digest, "code": made.code, **_part(made)}
        details["versions"] = ", ".join(f"{key} {value}" for key, value in made.versions.items())
        details["device"] = ", ".join(f"{key} {value}" for key, value in made.device.items())
        lines += [f"{indent}  {key:9} {value}" for key, value in details.items() if value]
        if made.inputs:
            lines.append(f"{indent}  from {', '.join(made.inputs)}:")
    settings = settings_of(record)
    lines += ["", f"seed      {settings.get('seed', 'none')}", "", "config"]
    text = yaml.safe_dump(settings, sort_keys=True, default_flow_style=None)
    lines += [f"  {line}" for line in text.splitlines()]
    config = f"{NAME}.yaml"
    lines += ["", "build it again", f"  {command} > {config}", f"  {command_of(record, config)}"]
    return "\n".join(lines)


def difference(ours: Artifact, theirs: Artifact) -> str:
    """Say in what two artifacts differ: in what made them, and in what is in them."""
    lines = differing_facts(ours.record, theirs.record) or ["both were made in the same way"]
    if ours.digest() == theirs.digest():
        return "\n".join([*lines, "content: the same"])
    largest = largest_difference(ours.arrays(), theirs.arrays())
    return "\n".join([*lines, f"content: it differs, by {largest:.3g} at most"])


def differing_facts(ours: Record, theirs: Record) -> list[str]:
    """Return a line for each setting, version or digest in which two records differ."""
    here, there = (flat(settings_of(record)) | facts_of_making(record) for record in (ours, theirs))
    return differing(here, there)


def facts_of_making(record: Record) -> dict[str, str]:
    """Lay out flat how an artifact was made, and all it was made from, but for the settings."""
    facts = {}
    for place, digest, made in _steps(record):
        about = made.model_dump(exclude_none=True, exclude={"settings", "inputs", "code"})
        facts |= flat({**about, "content": digest, "code": made.code}, place)
    return facts


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Lay nested values out flat: {"a": {"b": 1}} -> {"a.b": "1"}."""
    laid_out = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            laid_out |= flat(value, f"{prefix}{key}.")
        else:
            laid_out[f"{prefix}{key}"] = str(value)
    return laid_out


def differing(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """Return a line for each name that has another value in `theirs`."""
    return [
        f"{name}: {ours.get(name, 'nothing')} | {theirs.get(name, 'nothing')}"
        for name in {**ours, **theirs}
        if ours.get(name) != theirs.get(name)
    ]


def depth_of(record: Record) -> int:
    """Return how many steps lie before an artifact: 0 for what is made from nothing."""
    return max((1 + depth_of(origin.provenance) for origin in record.inputs.values()), default=0)


def _steps(record: Record, place: str = "", digest: str = "") -> Iterator[tuple[str, str, Record]]:
    """Walk from an artifact back to what it was made from: place, digest of the content, record."""
    yield place, digest, record
    for name, origin in record.inputs.items():
        yield from _steps(origin.provenance, f"{place}{name} > ", origin.digest)


def _part(record: Record) -> dict[str, str]:
    part = record.part
    return {"part": f"samples {part.start} to {part.stop - 1}"} if part else {}
