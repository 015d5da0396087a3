"""Whether a checkpoint is of the network that a config asks for; no jax is needed to tell."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from sfumato.config.diffusion import DiffusionConfig
from sfumato.networks.base_config import NetworkConfig


def differences(
    manifest: Mapping[str, Any], model: NetworkConfig, diffusion: DiffusionConfig
) -> list[str]:
    """Return every setting that a checkpoint was made with, where the config says another.

    A setting that the manifest does not know yet had its default value.

    Returns:
        For each `model.channels = 48 (the config says 32)`.
    """
    found = []
    for section, settings in {"model": model, "diffusion": diffusion}.items():
        there = _filled(settings, manifest[section])
        here = settings.model_dump(mode="json")
        found += [
            f"{section}.{key} = {there.get(key)} (the config says {here.get(key)})"
            for key in there | here
            if there.get(key) != here.get(key)
        ]
    return found


def _filled(settings: NetworkConfig | DiffusionConfig, recorded: dict[str, Any]) -> dict[str, Any]:
    """Fill in the defaults of recorded settings, unless they are those of another network."""
    try:
        return type(settings).model_validate(recorded).model_dump(mode="json")
    except ValidationError:
        return {key: recorded.get(key) for key in ("architecture", *recorded)}
