"""What made an artifact: enough to build it again, and nothing that differs between two builds.

No clock, host, user or path.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sfumato import __version__
from sfumato.source import code_digest

COMPUTING = ("numpy", "jax", "jaxlib", "flax", "orbax-checkpoint")
DRAWING = ("numpy", "matplotlib", "pillow")


def provenance(
    script: str,
    settings: BaseModel | None = None,
    *,
    packages: Sequence[str],
    inputs: Mapping[str, Mapping[str, Any]] | None = None,
    device: Mapping[str, str] | None = None,
    modules: Sequence[str] = (),
) -> dict[str, Any]:
    """Describe how a script made its result.

    Args:
        script: the script's `__file__`.
        settings: the resolved sections it read, the seed among them.
        packages: whose versions count for the result.
        inputs: for each input its `digest` and its own `provenance`.
        device: backend and kind of device, of `sfumato.backend.describe`.
        modules: what the script imports by a name that it is given.
    """
    path = Path(script).resolve()
    return {
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
