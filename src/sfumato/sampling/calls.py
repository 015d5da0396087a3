"""What a call in Python asks a chain for: checked as an entry of `samples` is, or a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax

from sfumato.config.paths import user_path
from sfumato.config.peers import LABELS, SCALE, STEPS
from sfumato.config.samples import SAMPLER, ChainConfig
from sfumato.config.validation import nearest, validate
from sfumato.errors import InputError
from sfumato.guidance.base import Guidance
from sfumato.guidance.classifier_free import ClassifierFree
from sfumato.samplers import sampler_class

if TYPE_CHECKING:
    from sfumato.config.diffusion import DiffusionConfig
    from sfumato.networks.base_config import NetworkConfig

OTHER_KNOBS = {"rho": ("spacing", "karras"), "percentile": ("clip", "dynamic")}
"""Knobs that are no sampler's: which setting, and which value of it, reads each."""
OURS = {
    **dict.fromkeys(("seed", "key", "rng", "generator"), "rngs=nnx.Rngs(0)"),
    **dict.fromkeys(STEPS, "steps"),
    **dict.fromkeys((*SCALE, "w"), "guidance_scale"),
    **dict.fromkeys(("n", "n_samples", "num_samples", "batch_size"), "the number first"),
    "shape": "the shape first",
    "use_karras_sigmas": 'spacing="karras"',
    **dict.fromkeys(LABELS, "labels"),
    "sampler": "scheduler",
}
"""What others call options of `sample`, and what they are called here."""
OPTIONS = ("scheduler", "labels", "rngs", "noise", "micro_batch", "guidance_scale")
"""Options of `sample` that are no settings of an entry."""
ANY_NUMBER = 2**31 - 1
"""Of the classes of a classifier that is not there, as `guide` will say."""


def chain_of(scheduler: str, knobs: Mapping[str, Any], **settings: Any) -> ChainConfig:  # noqa: ANN401
    """Check how a sample is to be drawn; a knob that the sampler does not have is an error."""
    sampler_class(scheduler)  # an unknown name is an error
    own = SAMPLER.fields_of(scheduler)
    for knob in knobs:
        if knob not in (*own, *OTHER_KNOBS):
            if knob in OPTIONS:  # it is `noise`, since the edits take the others
                raise InputError(f"{knob}: an edit takes none; it is an option of `sample` alone")
            known, asked = ", ".join(own) or "none", settings.keys() - {"edit"}
            meant = nearest(knob, [*own, *sorted({*asked, *OPTIONS})])
            ours = OURS.get(knob, "")
            if ours.endswith("first") and settings.get("edit"):
                ours = "n for the number, where there is a choice; else it is that of the images"
            meant = f"; write {ours}" if ours else meant
            raise InputError(f"{knob}: {scheduler} has no such setting; it has {known}{meant}")
    for knob, (setting, value) in OTHER_KNOBS.items():
        if knob in knobs and settings.get(setting) != value:
            raise InputError(f"{knob}: is a knob of {setting}={value!r}; set that, or drop it")
    return validate(ChainConfig, {"sampler": scheduler, **settings, **knobs})


def guidance_of(
    guidance: Guidance | Mapping[str, Any] | None, scale: float | None
) -> Guidance | Mapping[str, Any] | None:
    """Return the guidance, or classifier-free guidance of this scale w."""
    if scale is None:
        return guidance
    if guidance is not None:
        raise InputError("guidance_scale: is a knob of guidance, which is given too; drop one")
    return ClassifierFree(scale=scale)


def with_guidance(
    chain: ChainConfig, model: NetworkConfig, diffusion: DiffusionConfig, labelled: bool
) -> ChainConfig:
    """Return a chain whose guidance has the network of the checkpoint that it names.

    Raises:
        InputError: if the guidance has no class to guide to, or does not fit the times.
    """
    guidance = chain.guidance
    if guidance is None:
        return chain
    if guidance.needs_labels and not labelled:
        knows = "ask for one" if model.num_classes else "this network knows none"
        raise InputError(f"labels: {type(guidance).__name__} guides to a class; {knows}")
    for knob, reason in guidance.mistakes(diffusion.noise_steps):
        raise InputError(f"guidance.{knob}: {reason}")
    if guidance.reads != "checkpoint" or guidance.restored is not None:
        return chain
    from sfumato.sampling.restoring import restore

    if guidance.checkpoint is None:
        raise InputError("guidance.checkpoint: null must be the folder of a worse checkpoint")
    folder = user_path(guidance.checkpoint, "guidance.checkpoint")
    whole, _ = restore(guidance, folder, model, diffusion)
    return chain.model_copy(update={"guidance": whole})


def classes_of(chain: ChainConfig | None, known: int, image_shape: tuple[int, ...]) -> int:
    """Return how many classes may be asked for: those of the network, or of a classifier.

    Raises:
        InputError: if the classifier says something else than a number for each class.
    """
    guidance = chain and chain.guidance
    if not guidance or guidance.reads != "classifier":
        return known
    if guidance.restored is None:
        return ANY_NUMBER
    x_t, t = jax.ShapeDtypeStruct((2, *image_shape), "f4"), jax.ShapeDtypeStruct((), "i4")
    said = jax.eval_shape(guidance.restored, x_t, t).shape
    if len(said) != 2 or said[0] != 2:  # noqa: PLR2004
        raise InputError(f"guidance: of 2 images its classifier says {said}, not (2, classes)")
    return said[1]
