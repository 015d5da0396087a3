"""The second checkpoint that guides an entry: known by its content, and not by its folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sfumato.config.paths import shown
from sfumato.errors import InputError
from sfumato.records.manifest import read_manifest
from sfumato.records.matching import unfit_to_guide
from sfumato.workflow.places import checkpoint_folder

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment
    from sfumato.config.samples import ChainConfig

    Entry = TypeVar("Entry", bound=ChainConfig)


def is_guided_by_a_checkpoint(entry: ChainConfig) -> bool:
    """Tell whether the guidance of an entry reads a second checkpoint."""
    return bool(entry.guidance) and entry.guidance.reads == "checkpoint"


def guiding_folder(name: str, entry: ChainConfig) -> Path:
    """Return the folder of the second checkpoint of entry `name`.

    Raises:
        InputError: if there is none.
    """
    place, given = f"samples.{name}.guidance.checkpoint", entry.guidance.checkpoint
    if given is None:
        raise InputError(f"{place}: null must be the folder of a worse checkpoint")
    return checkpoint_folder(given, place)


def with_digest(experiment: Experiment, name: str, entry: Entry) -> Entry:
    """Return entry `name` with the digest of its second checkpoint in place of the folder.

    Raises:
        InputError: if there is none, or it is of another network.
    """
    place, folder = f"samples.{name}.guidance", guiding_folder(name, entry)
    try:
        manifest = read_manifest(folder)
    except InputError as error:
        raise InputError(f"{place}.checkpoint: {error}") from None
    if reason := unfit_to_guide(folder, manifest, experiment.model, experiment.diffusion):
        raise InputError(f"{place}.checkpoint: {reason}")
    if entry.guidance.digest not in (None, manifest["digest"]):
        raise InputError(
            f"{place}.digest: the checkpoint {shown(folder)} is another, with the digest "
            f"{manifest['digest'][:16]}"
        )
    guidance = replace(entry.guidance, checkpoint=None, digest=manifest["digest"])
    return entry.model_copy(update={"guidance": guidance})
