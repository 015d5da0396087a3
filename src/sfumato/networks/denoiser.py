"""The network as a denoiser: image and noise of x_t, whatever the network predicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from flax import nnx

from sfumato.diffusion.prediction import Given, Prediction, prediction_of
from sfumato.diffusion.schedule import Schedule
from sfumato.errors import InputError

if TYPE_CHECKING:
    from sfumato.config.diffusion import PredictionType
    from sfumato.networks.base import Network


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Denoiser:
    """(x_t (B, ...), t, given) -> Prediction, without dropout; `given["labels"]` are its classes.

    A pytree of the network's parameters and the schedule, so that a compiled loop takes it as an
    argument: other weights of the same network do not compile again.
    """

    parameters: nnx.State
    schedule: Schedule
    graphdef: nnx.GraphDef[Network] = field(metadata={"static": True})
    prediction_type: PredictionType = field(metadata={"static": True})

    def __call__(self, x_t: jax.Array, t: jax.typing.ArrayLike, given: Given) -> Prediction:
        """Ask the network what x_t (B, ...) is made of, at one time t for all."""
        network = nnx.merge(self.graphdef, self.parameters)
        network.eval()
        output = network(x_t, jnp.broadcast_to(t, x_t.shape[:1]), given.get("labels"))
        return prediction_of(self.prediction_type, self.schedule, x_t, output, t)


def make_denoiser(
    network: Network, schedule: Schedule, prediction_type: PredictionType
) -> Denoiser:
    """Split the network once, for use inside jit.

    Raises:
        InputError: if the network predicts epsilon and the schedule ends in pure noise, of which
            epsilon tells nothing of x_0.
    """
    if prediction_type == "epsilon" and schedule.ends_in_noise:
        raise InputError(
            "prediction_type: epsilon cannot be used where alpha falls to 0; choose x_0, v or u"
        )
    graphdef, parameters = nnx.split(network)
    return Denoiser(parameters, schedule, graphdef, prediction_type)
