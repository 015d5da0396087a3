"""A denoiser with a guidance around it: what a compiled loop takes as an argument."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax

from sfumato.compute.knobs import put_back, split
from sfumato.diffusion.prediction import (
    Denoise,
    Given,
    Prediction,
    as_pytree,
    check_prediction,
    cost,
)
from sfumato.diffusion.schedule import Schedule
from sfumato.errors import InputError
from sfumato.guidance.base import Guidance


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Guided:
    """(x_t (B, ...), t, given) -> Prediction; a pytree of all but what the method is.

    Another scale but 0 and 1, or other weights of the same networks, do not compile again.
    """

    denoise: Denoise
    schedule: Schedule
    knobs: dict[str, Any]
    restored: Any
    method: Guidance = field(metadata={"static": True})

    def __call__(self, x_t: jax.Array, t: jax.typing.ArrayLike, given: Given) -> Prediction:
        """Ask the denoiser inside as the method says."""
        if self.method.needs_labels and "labels" not in given:
            name = type(self.method).__module__.rpartition(".")[2]
            raise InputError(f"guidance: {name} needs labels")
        method = put_back(self.method, self.knobs).using(self.restored)
        said = method.predict(self.denoise, self.schedule, x_t, t, given)
        return check_prediction(said, x_t, f"{type(method).__name__}.predict")

    def cost(self, t: int) -> int:
        """Return the network evaluations of one call at time t; on the host."""
        method = put_back(self.method, self.knobs).using(self.restored)
        return method.cost(t, lambda at: cost(self.denoise, at))


def guide(guidance: Guidance, denoise: Denoise, schedule: Schedule) -> Guided:
    """Put `guidance` around any denoiser: a pytree, or a function.

    Raises:
        InputError: if the method needs something that it was not given.
    """
    restored = guidance.restored
    if guidance.reads and restored is None:
        name = type(guidance).__name__
        raise InputError(f"guidance: {name} needs a {guidance.reads}: {name}(...).using(...)")
    method, knobs = split(guidance.using(None))
    restored = None if restored is None else as_pytree(restored)
    return Guided(as_pytree(denoise), schedule, knobs, restored, method)
