"""Adopt a trained checkpoint, to draw with or to train on, after comparing it with the config."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section
from sfumato.config.model import Model
from sfumato.config.paths import shown
from sfumato.config.weights import AdoptedConfig
from sfumato.errors import InputError
from sfumato.records.manifest import MANIFEST, read_manifest
from sfumato.records.matching import MAY_DIFFER, differences
from sfumato.records.provenance import checkpoint_origin
from sfumato.records.stage import COMPUTING, Stage
from sfumato.workflow.places import pretrained_folder

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment


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
        folder = pretrained_folder(experiment)
        try:
            manifest = read_manifest(folder)
            checkpoint_origin(folder, manifest)
        except InputError as error:
            raise InputError(f"weights.folder: {error}") from None
        return settings.matched(folder, manifest)

    def matched(self, folder: Path, manifest: Mapping[str, Any]) -> Self:
        """Return the settings with the digest of the checkpoint in a folder.

        Raises:
            InputError: if it is not the one that is asked for, or is of another network.
        """
        if self.weights.digest not in (None, manifest["digest"]):
            raise InputError(
                f"weights.digest: the checkpoint {shown(folder)} is another, with the digest "
                f"{manifest['digest'][:16]} and not {str(self.weights.digest)[:16]}; name the "
                "folder of that one in weights.folder, or set weights.digest to null; if it was "
                "made again meanwhile, run the same command once more"
            )
        free = MAY_DIFFER if self.weights.are_trained else ()
        if found := differences(manifest, self.model, self.diffusion, free):
            raise InputError(
                f"weights.folder: the checkpoint {shown(folder)} was made with {'; '.join(found)}; "
                "set the same, or name another checkpoint"
            )
        weights = self.weights.model_copy(update={"digest": manifest["digest"]})
        return self.model_copy(update={"weights": weights})


def manifest(experiment: Experiment) -> list[Path]:
    """Return the file that has the digests of all others of the checkpoint."""
    return [pretrained_folder(experiment) / MANIFEST]


def weights_places(experiment: Experiment, results: str) -> list[str]:
    """Return the words that tell the job that writes into a folder where the checkpoint is.

    Raises:
        InputError: if it is one that the experiment makes, which Snakemake deletes before.
    """
    folder = pretrained_folder(experiment)
    made = [Path(results, name).resolve() for name in ("checkpoint", "initial_checkpoint")]
    if folder.resolve() in made:
        raise InputError(
            f"weights.folder: {shown(folder)} is made by this experiment, and would be deleted "
            "first; give the experiment that reads it another name, or copy the folder elsewhere"
        )
    return [f"--checkpoint={folder}"]


STAGE = Stage("adopt", Settings, packages=COMPUTING, reads=manifest)
