"""A stage by its name: that of a file in `stages`, or of a figure."""

from importlib import import_module

from sfumato.config.listing import names as listed
from sfumato.errors import InputError
from sfumato.figures import figure
from sfumato.records.stage import Stage

DRAWING = "render_"
"""How the name of a stage begins that draws a figure; the rest is the figure's."""


def names() -> tuple[str, ...]:
    """Return the names of the stages, but for the figures'."""
    return listed("workflow/stages")


def stage(name: str) -> Stage:
    """Return the stage `name`: that of a file in `stages`, or `render_forward`, of a figure."""
    if name.startswith(DRAWING):
        return figure(name.removeprefix(DRAWING))
    if name not in names():
        raise InputError(f"stage {name!r} is not known; choose from {', '.join(names())}")
    return import_module(f"sfumato.workflow.stages.{name}").STAGE
