"""A wheel brings the workflow: its rules, scripts, config and checkpoints, as `sfumato/project/`.

An editable installation does not: there they are around the library.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WITHIN = {
    "config.yaml": "config.yaml",
    "profiles/default": "workflow/profiles/default",
    "resources/pretrained": "resources/pretrained",
    "scripts": "scripts",
    "workflow": "workflow",
}


class ProjectHook(BuildHookInterface):
    """Adds the files to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say which files go where."""
        if version == "standard":
            places = {source: f"sfumato/project/{place}" for source, place in WITHIN.items()}
            build_data["force_include"].update(places)
