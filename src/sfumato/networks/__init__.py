"""Denoising networks, one a file with its settings beside it, and what they are made of.

`unet.py` with `unet_config.py` is the network `unet`: a file `X.py` that has an `X_config.py` is a
network, and nothing lists them. `initialisation` makes one, `denoiser` makes one askable.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from sfumato.config import listing
from sfumato.errors import InputError

if TYPE_CHECKING:
    from sfumato.networks.base import Network
    from sfumato.networks.base_config import NetworkConfig


def names() -> tuple[str, ...]:
    """Return the names of the networks that there are, sorted."""
    files = listing.names("networks")
    return tuple(name for name in files if f"{name}_config" in files)


def config_class(name: str) -> type[NetworkConfig]:
    """Return the class of a network's settings; an InputError if there is no such network."""
    from sfumato.networks.base_config import NetworkConfig

    return listing.find("networks", f"{_known(name)}_config", NetworkConfig)


def network_class(name: str) -> type[Network]:
    """Return the class of a network; an InputError if there is no such network."""
    # Imported by name: what only reads settings does not depend on the code of networks.
    base = import_module("sfumato.networks.base").Network
    return listing.find("networks", _known(name), base)


def _known(name: str) -> str:
    if name not in names():
        raise InputError(f"architecture: {name!r} must be one of {', '.join(names())}")
    return name
