"""What the guidance of entries reads: the experiment's own classifier, or a second checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sfumato.config.paths import shown
from sfumato.errors import InputError
from sfumato.records.manifest import read_manifest
from sfumato.records.matching import differences
from sfumato.workflow.places import checkpoint_folder

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment
    from sfumato.config.samples import ChainConfig

Entry = TypeVar("Entry", bound="ChainConfig")
CLASSIFIER = "guidance_classifier.npz"
"""The file of the classifier, in the folder of an experiment."""


def made_before(entries: Iterable[ChainConfig]) -> tuple[str, ...]:
    """Return the stages that make what the guidance of some entries reads."""
    return ("train_guidance_classifier",) if any(map(_has_classifier, entries)) else ()


def files(entries: Iterable[ChainConfig]) -> list[str]:
    """Return what these stages make, in the folder of the experiment."""
    return [CLASSIFIER] if any(map(_has_classifier, entries)) else []


def folders(entries: Mapping[str, ChainConfig]) -> list[str]:
    """Return the folders of second checkpoints."""
    return [str(_folder(name, each)) for name, each in entries.items() if _has_checkpoint(each)]


def with_digests(experiment: Experiment, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return entries that name a second checkpoint by its content, and not by its folder.

    Raises:
        InputError: if there is none, or it is of another network.
    """
    return {
        name: _with_digest(experiment, name, entry) if _has_checkpoint(entry) else entry
        for name, entry in entries.items()
    }


def _with_digest(experiment: Experiment, name: str, entry: Entry) -> Entry:
    place, folder = f"samples.{name}.guidance", _folder(name, entry)
    try:
        manifest = read_manifest(folder)
    except InputError as error:
        raise InputError(f"{place}.checkpoint: {error}") from None
    if found := differences(manifest, experiment.model, experiment.diffusion):
        raise InputError(
            f"{place}.checkpoint: {shown(folder)} was made with {'; '.join(found)}; name a "
            "checkpoint of the same network"
        )
    if entry.guidance.digest not in (None, manifest["digest"]):
        raise InputError(
            f"{place}.digest: the checkpoint {shown(folder)} is another, with the digest "
            f"{manifest['digest'][:16]}"
        )
    guidance = replace(entry.guidance, checkpoint=None, digest=manifest["digest"])
    return entry.model_copy(update={"guidance": guidance})


def _folder(name: str, entry: ChainConfig) -> Path:
    place, named = f"samples.{name}.guidance.checkpoint", entry.guidance.checkpoint
    if named is None:
        raise InputError(f"{place}: null must be the folder of a worse checkpoint")
    return checkpoint_folder(named, place)


def _has_classifier(entry: ChainConfig) -> bool:
    return bool(entry.guidance) and entry.guidance.reads == "classifier"


def _has_checkpoint(entry: ChainConfig) -> bool:
    return bool(entry.guidance) and entry.guidance.reads == "checkpoint"
