"""What made an artifact: enough to build it again, and nothing that differs between two builds.

No clock, host, user or path.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, SerializerFunctionWrapHandler, ValidationError, model_serializer

from sfumato.config.fields import Section
from sfumato.config.paths import shown
from sfumato.errors import InputError
from sfumato.records.code import code_of
from sfumato.records.stage import Stage
from sfumato.version import __version__

version = cache(metadata.version)  # which reads files


_OPTIONAL = ("chain", "part", "classes", "arrays")


class Origin(Section):
    """An input of an artifact: the digest of its content, and what made it."""

    digest: str
    provenance: Record


class Part(Section):
    """Which samples a shard holds: `start` .. `stop` - 1."""

    start: int
    stop: int


class ChainWork(Section):
    """How long a chain of samples was."""

    steps: int
    """Steps taken."""
    nfe: int
    """Network evaluations of each sample."""


class Record(Section):
    """The provenance of an artifact, as the file holds it."""

    artifact: str
    """The name that the workflow gives it, `ddim_samples.png`."""
    script: str
    """The program that made it."""
    settings: dict[str, Any]
    """The resolved sections that it read, the seed among them."""
    code: str
    """The sha256 of what the script and every module that it imports mean."""
    versions: dict[str, str]
    """Of Python, of this library and of the packages that count for the result."""
    inputs: dict[str, Origin]
    """What it was made from."""
    device: dict[str, str]
    """Backend, kind of device and how it computes; empty where no array was computed."""
    chain: ChainWork | None = None
    """Steps and network evaluations, where samples were drawn."""
    part: Part | None = None
    """Which samples, in a shard."""
    classes: list[str] = []
    """The names of the classes, of the user's pictures."""
    arrays: dict[str, str] = {}
    """The sha256 of each array in the file, by name; of inputs `digest` is enough."""

    @model_serializer(mode="wrap")
    def _leave_out_what_is_not_there(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in dump(self).items() if value or key not in _OPTIONAL}


def checkpoint_origin(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return digest and provenance of a checkpoint, as the record of what reads it holds them.

    Raises:
        InputError: if the manifest does not say what made the checkpoint.
    """
    origin = {key: manifest[key] for key in ("digest", "provenance")}
    try:
        Origin.model_validate(origin)
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(
            f"the checkpoint {shown(folder)} does not say what made it: {key} in its manifest.json "
            "is missing or wrong; copy the file again from where the checkpoint is from"
        ) from None
    return origin


class HasOrigin(Protocol):
    """Anything opened that says what made it."""

    @property
    def origin(self) -> dict[str, Any]:
        """Its `digest` and its `provenance`."""
        ...


def provenance(
    stage: Stage,
    artifact: str,
    settings: BaseModel | None = None,
    *,
    inputs: Mapping[str, HasOrigin | Mapping[str, Any]] | None = None,
    device: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Describe how a stage makes its result, as a `Record` in plain values.

    Args:
        stage: whose script, code and packages count.
        artifact: the name of the result.
        settings: the resolved sections that it reads.
        inputs: what it is made from, opened, or the `digest` and `provenance` of each.
        device: backend and kind of device, of `sfumato.compute.backend.describe`.
    """
    return {
        "artifact": artifact,
        "script": stage.script,
        "settings": json.loads(settings.model_dump_json()) if settings else {},
        "code": code_of(stage, settings),
        "versions": versions(stage.packages),
        "inputs": {name: _origin(each) for name, each in (inputs or {}).items()},
        "device": dict(device or {}),
    }


def origin_of(digest: str, record: Record) -> dict[str, Any]:
    """Return what the provenance of a result says of one of its inputs."""
    return {
        "digest": digest,
        "provenance": record.model_dump(exclude={"arrays"}),
    }


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of Python, of this library and of `packages`."""
    return {
        "python": platform.python_version(),
        "sfumato": __version__,
        **{package: version(package) for package in packages},
    }


def _origin(each: HasOrigin | Mapping[str, Any]) -> dict[str, Any]:
    return dict(each) if isinstance(each, Mapping) else each.origin
