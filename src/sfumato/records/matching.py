"""Whether a checkpoint is of the network that a config asks for; no jax is needed to tell."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.paths import shown
from sfumato.networks.base_config import NetworkConfig

MAY_DIFFER = ("num_classes", "dropout")
"""The settings of a network that may differ where its weights go on to learn, or guide."""


def differences(
    manifest: Mapping[str, Any],
    model: NetworkConfig,
    diffusion: DiffusionConfig,
    free: Collection[str] = (),
) -> list[str]:
    """Return every setting that a checkpoint was made with, where the config says another.

    A setting that the manifest does not know yet had its default value. Of another network that
    alone is said.

    Args:
        manifest: of the checkpoint.
        model: the network that the config says.
        diffusion: the forward process that it says.
        free: the settings of the network that may differ.

    Returns:
        For each `model.channels = 48, and the config says 32`.
    """
    here = model.architecture
    there = manifest["model"].get("architecture", here)
    if here != there:
        return [f"model.architecture = {there}, and the config says {here}"]
    found = []
    for section, settings in {"model": model, "diffusion": diffusion}.items():
        made_with = _filled(settings, manifest[section])
        values = settings.model_dump(mode="json")
        found += [
            f"{section}.{key} = {made_with.get(key)}, and the config says {values.get(key)}"
            for key in made_with
            if made_with.get(key) != values.get(key) and not (settings is model and key in free)
        ]
    return found


def unfit_to_guide(
    folder: Path, manifest: Mapping[str, Any], model: NetworkConfig, diffusion: DiffusionConfig
) -> str:
    """Return why a checkpoint cannot guide a network as a worse one; empty if it can."""
    if found := differences(manifest, model, diffusion, MAY_DIFFER):
        made = "; ".join(found)
        return f"{shown(folder)} was made with {made}; name a checkpoint of the same network"
    return ""


def _filled(settings: NetworkConfig | DiffusionConfig, recorded: dict[str, Any]) -> dict[str, Any]:
    """Fill in the defaults of recorded settings, unless some are known no longer."""
    try:
        return type(settings).model_validate(recorded).model_dump(mode="json")
    except ValidationError:
        return {key: recorded.get(key) for key in recorded}
