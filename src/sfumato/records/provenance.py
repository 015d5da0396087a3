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
from typing import Any

from pydantic import BaseModel

from sfumato.config.fields import Section
from sfumato.records.code import code_digest
from sfumato.version import __version__

version = cache(metadata.version)  # which reads files

COMPUTING = ("numpy", "jax", "jaxlib", "flax", "orbax-checkpoint")
TRAINING = (*COMPUTING, "optax")
EVALUATING = (*TRAINING, "scipy", "scikit-learn")
LOADING = ("numpy", "mlxtend", "pillow", "jax")
DRAWING = ("numpy", "matplotlib", "pillow")


class Origin(Section):
    """An input of an artifact: the digest of its content, and what made it."""

    digest: str
    provenance: Record


class Part(Section):
    """Which samples a shard holds: `start` .. `stop` - 1."""

    start: int
    stop: int


class Record(Section):
    """The provenance of an artifact, as it stands in the file.

    Attributes:
        artifact: the name the workflow gives it, `ddim_samples.png`.
        script: the program that made it.
        settings: the resolved sections that it read, the seed among them.
        code: sha256 of the script and of every module that it imports.
        versions: of Python, of this library and of the packages that count for the result.
        inputs: what it was made from.
        device: backend, kind of device and how it computes; empty where no array was computed.
        part: which samples, in a shard.
    """

    artifact: str
    script: str
    settings: dict[str, Any]
    code: str
    versions: dict[str, str]
    inputs: dict[str, Origin]
    device: dict[str, str]
    part: Part | None = None


def provenance(
    script: str,
    artifact: str,
    settings: BaseModel | None = None,
    *,
    packages: Sequence[str] = (),
    inputs: Mapping[str, Mapping[str, Any]] | None = None,
    device: Mapping[str, str] | None = None,
    modules: Sequence[str] = (),
) -> dict[str, Any]:
    """Describe how a script makes its result, as a `Record` in plain values.

    Args:
        script: the script's `__file__`.
        artifact: the name of the result.
        settings: the resolved sections it reads.
        packages: whose versions count for the result.
        inputs: for each input its `digest` and its own `provenance`.
        device: backend and kind of device, of `sfumato.compute.backend.describe`.
        modules: what the script imports by a name that it is given.
    """
    path = Path(script).resolve()
    return {
        "artifact": artifact,
        "script": path.name,
        "settings": json.loads(settings.model_dump_json()) if settings else {},
        "code": code_digest(path, *modules),
        "versions": versions(packages),
        "inputs": {name: dict(about) for name, about in (inputs or {}).items()},
        "device": dict(device or {}),
    }


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of Python, of this library and of `packages`."""
    return {
        "python": platform.python_version(),
        "sfumato": __version__,
        **{package: version(package) for package in packages},
    }
