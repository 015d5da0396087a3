"""Section `model`: the denoising network, one of the files in `networks/`."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny

from sfumato.config.methods import Choice
from sfumato.networks.base_config import NetworkConfig

DEFAULT_ARCHITECTURE = "unet"
ARCHITECTURE = Choice(
    "architecture", "networks", NetworkConfig, suffix="_config", others=("denoiser", "base_config")
)
SHARED = tuple(NetworkConfig.model_fields)


def _build(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return ARCHITECTURE.build({"architecture": DEFAULT_ARCHITECTURE, **value})


Model = Annotated[SerializeAsAny[NetworkConfig], BeforeValidator(_build)]
"""The knobs of the network that `architecture` names."""


def merge_model(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Override section `model`; another architecture drops the old one's knobs."""
    return ARCHITECTURE.merge(base, override, SHARED)
