"""The samplers: one step rule a file, one paper a file.

A new sampler is a new file: nothing lists them. Modules are loaded on first use, so a change of one
sampler's file does not concern those who use another.
"""

from typing import TYPE_CHECKING

from sfumato.config import listing
from sfumato.errors import InputError
from sfumato.samplers.base import Sampler, Step

if TYPE_CHECKING:
    from sfumato.samplers.ddim import DDIM
    from sfumato.samplers.ddpm import DDPM

__all__ = ["DDIM", "DDPM", "Sampler", "Step", "names", "sampler_class"]


def names() -> tuple[str, ...]:
    """Return the names of the samplers, sorted: those of their files."""
    return listing.names("samplers")


def sampler_class(name: str) -> type[Sampler]:
    """Return the sampler called `name`; an InputError lists the known ones."""
    if name not in names():
        raise InputError(
            f"sampler {name!r} is not known{_meant(name)}; choose one of {', '.join(names())}"
        )
    return listing.find("samplers", name, Sampler)


def _meant(name: object) -> str:
    """Say which one another library calls so: `DDIMScheduler`, `dpmpp_2m`, `uni_pc`."""
    word = "".join(filter(str.isalnum, str(name).lower())).replace("dpmpp", "dpmsolver")
    close = [each for each in names() if word.startswith(each.replace("_", ""))]
    return f", did you mean {close[0]!r}?" if close else ""


def __getattr__(name: str) -> type[Sampler]:
    """Load a sampler by the name of its class, on first use (PEP 562)."""
    return listing.find_class("samplers", name, Sampler, names())
