"""What the project sets for every experiment, as far as it can be read."""

from pathlib import Path
from typing import Any

import yaml

from sfumato.config.merge import merge_sections
from sfumato.config.resolve import resolve
from sfumato.workflow.places import config_files


def project_defaults() -> dict[str, Any]:
    """Return section `defaults` of the project's config; nothing, where something is wrong there.

    Whoever asks needs no project: a figure may have been mailed.
    """
    defaults: dict[str, Any] = {}
    try:
        for file in config_files():
            content = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
            defaults = merge_sections(defaults, content.get("defaults") or {})
        resolve({"targets": ["any"], "defaults": defaults, "experiments": {"any": {}}})
    except (OSError, AttributeError, TypeError, ValueError, RecursionError, yaml.YAMLError):
        return {}
    return defaults
