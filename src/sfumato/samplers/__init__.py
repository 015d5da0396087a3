"""The samplers: one step rule a file, one paper a file.

A new sampler is a file beside this one and a line in `SAMPLERS`. Modules are loaded on first use,
so that a change of one sampler's file concerns nobody who uses another.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sfumato.errors import InputError

if TYPE_CHECKING:
    from sfumato.samplers.base import Sampler
    from sfumato.samplers.ddim import DDIM
    from sfumato.samplers.ddpm import DDPM

SAMPLERS = {"ddpm": "DDPM", "ddim": "DDIM"}
"""Name of the module (and of the config section, and of the files) -> name of the class."""

__all__ = ["DDIM", "DDPM", "SAMPLERS", "sampler_class"]


def sampler_class(name: str) -> "type[Sampler]":
    """Return the sampler called `name`; an InputError lists the known ones."""
    if name not in SAMPLERS:
        raise InputError(f"sampler {name!r} is not known; choose one of {', '.join(SAMPLERS)}")
    return getattr(import_module(f"{__name__}.{name}"), SAMPLERS[name])


def __getattr__(name: str) -> object:
    """Load a sampler class on first use (PEP 562)."""
    for module, class_name in SAMPLERS.items():
        if class_name == name:
            return sampler_class(module)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
