"""What the record of a file says otherwise than the config."""

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from sfumato.records.facts import flat, unlike
from sfumato.records.provenance import Origin


def changed(recorded: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Say which settings are others than recorded; nothing if none is."""
    there, here = flat(recorded), flat(wanted)
    other = unlike(here, there)
    if not other:
        return ""
    name, more = other[0], f" and {len(other) - 1} more" if len(other) > 1 else ""
    before, now = (each.get(name, "not set") for each in (there, here))
    return f"it was made with {name} = {before}, and the config says {now}{more}"


def alike(path: str, origin: Origin) -> bool:
    """Tell whether a recorded input is of the kind of a file, by its name but for numbers."""
    file, artifact = (
        re.sub(r"\d+", "", PurePath(each).name) for each in (path, origin.provenance.artifact)
    )
    return file.endswith(artifact)
