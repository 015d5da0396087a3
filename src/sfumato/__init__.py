"""sfumato: denoising diffusion models in JAX and Flax NNX, and a workflow around them.

    from sfumato import DDPMModel, ModelConfig

The names are loaded on first use, so that `sfumato.config`, which the workflow reads while it
builds its job graph, never pays for importing jax.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sfumato.version import __version__

if TYPE_CHECKING:
    from sfumato.model import DDPMModel
    from sfumato.model_config import ModelConfig
    from sfumato.notebook import load_digits, show

_PLACES = {
    "DDPMModel": "sfumato.model",
    "ModelConfig": "sfumato.model_config",
    **dict.fromkeys(("load_digits", "show"), "sfumato.notebook"),
}
__all__ = ["DDPMModel", "ModelConfig", "__version__", "load_digits", "show"]


def __getattr__(name: str) -> object:
    """Load a public name from the module that has it (PEP 562)."""
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'sfumato' has no attribute {name!r}")
