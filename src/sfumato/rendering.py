"""From a file of arrays to what a figure needs: what the scripts that render have in common."""

from pathlib import Path
from typing import Any

import numpy as np

from sfumato.arrays import digest, load_arrays
from sfumato.config.fields import Section
from sfumato.config.render import RenderConfig
from sfumato.provenance import DRAWING, provenance


class RenderSettings(Section):
    """The section that rendering reads."""

    render: RenderConfig


def load_for_figure(
    script: str, settings: RenderSettings, path: Path, *names: str
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays to draw, `names` among them, and the provenance of `script`'s figure."""
    arrays, origin = load_arrays(path, *names)
    inputs = {"arrays": {"digest": digest(arrays), "provenance": origin}}
    return arrays, provenance(script, settings, packages=DRAWING, inputs=inputs)
