"""From a file of arrays to what a figure needs: what the scripts that render have in common."""

from pathlib import Path
from typing import Any

from sfumato.config.fields import Section
from sfumato.config.render import RenderConfig
from sfumato.errors import InputError
from sfumato.records.arrays import Rows, digest, open_arrays
from sfumato.records.provenance import DRAWING, provenance


class RenderSettings(Section):
    """The section that rendering reads."""

    render: RenderConfig


def load_for_figure(
    script: str, settings: RenderSettings, path: Path, kind: str, *names: str, suffix: str = ".png"
) -> tuple[dict[str, Rows], dict[str, Any]]:
    """Return the arrays to draw, not read yet, and the provenance of the figure.

    Args:
        script: the script's `__file__`.
        settings: what the script reads.
        path: the file of arrays.
        kind: how the name of such a file ends: `_samples.npz`.
        names: the arrays that the figure needs.
        suffix: of the figure, whose name is otherwise that of the arrays.
    """
    arrays, origin = open_arrays(path, *names)
    artifact = str(origin.get("artifact"))
    if not artifact.endswith(kind):
        raise InputError(f"{path}: this file is {artifact}, not *{kind}: it is of another kind")
    inputs = {"arrays": {"digest": digest(arrays), "provenance": origin}}
    figure = artifact.removesuffix(".npz") + suffix
    return arrays, provenance(script, figure, settings, packages=DRAWING, inputs=inputs)
