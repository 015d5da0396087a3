"""Adopt a trained checkpoint, to draw with or to train on, after comparing it with the config."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import ValidationError

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section
from sfumato.config.model import Model
from sfumato.config.paths import shown
from sfumato.config.weights import AdoptedConfig
from sfumato.errors import InputError
from sfumato.networks.base_config import NetworkConfig
from sfumato.records.manifest import MANIFEST, read_manifest
from sfumato.records.matching import differences
from sfumato.records.provenance import checkpoint_origin
from sfumato.records.stage import COMPUTING, Stage
from sfumato.workflow.places import pretrained_folder

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment

_FREE = {"num_classes", "dropout"}


class Settings(Section):
    """The network that the checkpoint must hold."""

    model: Model
    diffusion: DiffusionConfig
    weights: AdoptedConfig

    @classmethod
    def of(cls, experiment: Experiment) -> Self:
        """Return what the stage reads of an experiment, after a look at the checkpoint.

        Raises:
            InputError: if it is not the one that is asked for, or is of another network.
        """
        asked = experiment.weights
        weights = AdoptedConfig(source=asked.source, digest=asked.digest)
        settings = cls(model=experiment.model, diffusion=experiment.diffusion, weights=weights)
        return settings.matched(pretrained_folder(experiment))

    def matched(self, folder: Path) -> Self:
        """Return the settings with the digest of the checkpoint in a folder.

        Raises:
            InputError: if it is not the one that is asked for, or is of another network.
        """
        try:
            manifest = read_manifest(folder)
            checkpoint_origin(folder, manifest)
        except InputError as error:
            raise InputError(f"weights.folder: {error}") from None
        if self.weights.digest not in (None, manifest["digest"]):
            raise InputError(
                f"weights.digest: the checkpoint {shown(folder)} is another, with the digest "
                f"{manifest['digest'][:16]} and not {str(self.weights.digest)[:16]}; name the "
                "folder of that one in weights.folder, or set weights.digest to null; if it was "
                "made again meanwhile, run the same command once more"
            )
        if found := differences(manifest, self.held_by(manifest), self.diffusion):
            raise InputError(
                f"weights.folder: the checkpoint {shown(folder)} was made with {'; '.join(found)}; "
                "set the same, or name another checkpoint"
            )
        weights = self.weights.model_copy(update={"digest": manifest["digest"]})
        return self.model_copy(update={"weights": weights})

    def held_by(self, manifest: Mapping[str, Any]) -> NetworkConfig:
        """Return the network that the checkpoint must hold.

        It is the one that is asked for; but a network that is trained on may have learnt other
        classes, with another dropout.
        """
        asked = self.model
        try:
            there = type(asked).model_validate(manifest["model"])
        except ValidationError:
            return asked
        free = _FREE & type(there).model_fields.keys() if self.weights.are_trained else ()
        return asked.model_copy(update={name: getattr(there, name) for name in free})


def manifest(experiment: Experiment) -> list[Path]:
    """Return the file that has the digests of all others of the checkpoint."""
    return [pretrained_folder(experiment) / MANIFEST]


def weights_places(experiment: Experiment, name: str) -> list[str]:  # noqa: ARG001
    """Return the words that tell the job where the checkpoint is."""
    return [f"--checkpoint={pretrained_folder(experiment)}"]


STAGE = Stage("adopt", Settings, packages=COMPUTING, reads=manifest)
