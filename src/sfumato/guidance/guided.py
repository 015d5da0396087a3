"""A denoiser with a guidance around it: what a compiled loop takes as an argument."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax

from sfumato.compute.knobs import put_back, split
from sfumato.diffusion.prediction import Denoise, Given, Prediction, as_pytree, cost
from sfumato.diffusion.schedule import Schedule
from sfumato.guidance.base import Guidance


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Guided:
    """(x_t (B, ...), t, given) -> Prediction; a pytree of the denoiser, schedule and traced knobs.

    Another scale, or other weights of the same network, do not compile again.
    """

    denoise: Denoise
    schedule: Schedule
    knobs: dict[str, Any]
    method: Guidance = field(metadata={"static": True})

    def __call__(self, x_t: jax.Array, t: jax.typing.ArrayLike, given: Given) -> Prediction:
        """Ask the denoiser inside as the method says."""
        method = put_back(self.method, self.knobs)
        return method.predict(self.denoise, self.schedule, x_t, t, given)

    def cost(self, t: int) -> int:
        """Return the network evaluations of one call at time t; on the host."""
        return put_back(self.method, self.knobs).cost(t, lambda at: cost(self.denoise, at))


def guide(guidance: Guidance, denoise: Denoise, schedule: Schedule) -> Guided:
    """Put `guidance` around any denoiser: a pytree, or a function."""
    method, knobs = split(guidance)
    return Guided(as_pytree(denoise), schedule, knobs, method)
