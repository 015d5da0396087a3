"""What a guidance needs besides the denoiser, from its file: a classifier, or a second network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.paths import shown
from sfumato.diffusion.prediction import Denoise
from sfumato.diffusion.schedule import make_schedule
from sfumato.errors import InputError
from sfumato.guidance.base import Guidance
from sfumato.networks.base_config import NetworkConfig
from sfumato.networks.classes import with_classes
from sfumato.networks.denoiser import make_denoiser
from sfumato.networks.guidance_classifier import LogProbability
from sfumato.records.checkpoint import load_whole
from sfumato.records.matching import unfit_to_guide
from sfumato.records.opening import open_record

Origin = dict[str, Any]


def restore(
    guidance: Guidance, path: Path, model: NetworkConfig, diffusion: DiffusionConfig
) -> tuple[Guidance, Origin]:
    """Return the guidance with what it reads, and the digest and provenance of that.

    Args:
        guidance: a method that reads something.
        path: of the file of its classifier, or the folder of its checkpoint.
        model: the network that is guided.
        diffusion: its forward process.

    Raises:
        InputError: if it is another file than the method wants, or does not fit the network.
    """
    read: Callable[..., tuple[Any, Origin]] = {
        "classifier": load_guidance_classifier,
        "checkpoint": _load_denoiser,
    }[guidance.reads]
    restored, origin = read(path, model, diffusion)
    wanted = getattr(guidance, "digest", None)
    if wanted not in (None, origin["digest"]):
        raise InputError(
            f"guidance.digest: {shown(path)} is another, with the digest {origin['digest'][:16]} "
            f"and not {str(wanted)[:16]}; if it was made anew meanwhile, run the same command again"
        )
    return guidance.using(restored), origin


def load_guidance_classifier(
    path: Path, model: NetworkConfig, diffusion: DiffusionConfig
) -> tuple[LogProbability, Origin]:
    """Return a classifier that `scripts/train_guidance_classifier.py` wrote."""
    opened = open_record(path)
    arrays, learnt = opened.read(), opened.record.settings.get("diffusion", {})
    if "n_classes" not in arrays or opened.record.script != "train_guidance_classifier.py":
        raise InputError(f"{shown(path)}: this file holds no classifier of noisy images")
    for name, value in diffusion.model_dump(mode="json").items():
        if name != "prediction_type" and learnt.get(name) != value:
            raise InputError(
                f"{shown(path)}: this classifier was trained with diffusion.{name} "
                f"{learnt.get(name)}, not {value}"
            )
    weights = {name: array for name, array in arrays.items() if "." in name}
    shape, n_classes = tuple(model.input_dim), int(arrays["n_classes"])
    return LogProbability.from_weights(weights, shape, n_classes), opened.origin


def _load_denoiser(
    path: Path, model: NetworkConfig, diffusion: DiffusionConfig
) -> tuple[Denoise, Origin]:
    """Return the network of a checkpoint, which must be of the same settings.

    One that knows other classes, or none, is asked without a class.
    """
    network, _, manifest = load_whole(path)
    if reason := unfit_to_guide(path, manifest, model, diffusion):
        raise InputError(f"guidance.checkpoint: {reason}")
    network = with_classes(network, model)
    denoise = make_denoiser(network, make_schedule(diffusion), diffusion.prediction_type)
    return denoise, {key: manifest[key] for key in ("digest", "provenance")}
