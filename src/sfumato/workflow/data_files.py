"""The user's files from which an experiment's images come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sfumato.data.folders import picture_files

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment


def data_files(experiment: Experiment) -> list[Path]:
    """Return the user's files that the images come from."""
    data = experiment.data
    match data.source:
        case "images":
            return picture_files(Path(data.folder or ""))
        case "mnist" | "fashion-mnist" if data.folder:
            return sorted(Path(data.folder).glob("*ubyte*"))
    return []
