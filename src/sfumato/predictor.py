"""The network as a sampler sees it: noise from x_t and t."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
from flax import nnx

from sfumato.config.diffusion import PredictionType
from sfumato.diffusion import eps_from_prediction
from sfumato.schedule import Schedule
from sfumato.unet import UNet


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class NoisePredictor:
    """eps(x_t, t), whichever of epsilon, x_0 and v the network predicts.

    A pytree of the network's parameters and the schedule, so that a compiled loop takes it as an
    argument: other weights of the same network do not compile again.
    """

    parameters: nnx.State
    schedule: Schedule
    graphdef: nnx.GraphDef[UNet] = field(metadata={"static": True})
    prediction_type: PredictionType = field(metadata={"static": True})

    def __call__(self, x_t: jax.Array, t: jax.Array) -> jax.Array:
        """(B, H, W, C), (B,) -> (B, H, W, C), without dropout."""
        unet = nnx.merge(self.graphdef, self.parameters)
        unet.eval()
        prediction = unet(x_t, t)
        return eps_from_prediction(self.schedule, x_t, prediction, t, self.prediction_type)


def noise_predictor(
    unet: UNet, schedule: Schedule, prediction_type: PredictionType
) -> NoisePredictor:
    """Split the network once, for use inside jit."""
    graphdef, parameters = nnx.split(unet)
    return NoisePredictor(parameters, schedule, graphdef, prediction_type)
