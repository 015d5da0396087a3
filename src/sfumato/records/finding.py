"""Which files below a folder may be artifacts: told by their names, before any is opened."""

import os
from collections.abc import Iterator
from pathlib import Path

from sfumato.errors import InputError
from sfumato.records.manifest import has_weights, read_manifest

PICTURES = (".png", ".gif")
SUFFIXES = (*PICTURES, ".npz", ".csv", ".json")
TIMED = ".timing.json"
"""How the names of measured times end, which no second build repeats."""


def is_checkpoint(folder: Path) -> bool:
    """Tell whether a folder is a checkpoint, whole or not, or what is left of one."""
    try:
        read_manifest(folder)
    except InputError:
        return has_weights(folder)
    return True


def find_artifacts(folder: Path) -> Iterator[Path]:
    """Yield the files and checkpoints below a folder that may be artifacts, sorted.

    Links are followed, each folder once. What is hidden is left out, and so are the parts of a
    checkpoint and the states of a training run. A folder that cannot be listed is an artifact,
    which nobody can open.
    """
    yield from _walk(folder, {os.path.realpath(folder)})


def _is_of_training(folder: Path) -> bool:
    """Tell whether a folder holds what a killed training run goes on from."""
    return (folder / "identity.json").is_file() and (folder / "steps").is_dir()


def _walk(folder: Path, seen: set[str]) -> Iterator[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        yield folder
        return
    for path in paths:
        if path.name.startswith("."):
            continue
        if not path.is_dir():
            if path.suffix in SUFFIXES:
                yield path
        elif _is_of_training(path):
            continue
        elif is_checkpoint(path):
            yield path
        elif (place := os.path.realpath(path)) not in seen:
            seen.add(place)
            yield from _walk(path, seen)
