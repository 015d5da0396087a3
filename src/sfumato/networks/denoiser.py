"""The network as a sampler sees it: noise from x_t and t."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import jax
from flax import nnx

from sfumato.config.diffusion import PredictionType
from sfumato.diffusion.forward import eps_and_x_0
from sfumato.diffusion.schedule import Schedule
from sfumato.networks.unet import UNet

Predict = Callable[[jax.Array, jax.Array], jax.Array]
"""(x_t (B, ...), t (B,)) -> eps (B, ...). A pytree, or any function."""


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
        """(B, H, W, C), (B,) -> eps (B, H, W, C), without dropout."""
        return self.eps_and_x_0(x_t, t)[0]

    def eps_and_x_0(self, x_t: jax.Array, t: jax.Array) -> tuple[jax.Array, jax.Array | None]:
        """Return the noise, and the image where the network predicts it or v; else None."""
        unet = nnx.merge(self.graphdef, self.parameters)
        unet.eval()
        prediction = unet(x_t, t)
        return eps_and_x_0(self.schedule, x_t, prediction, t, self.prediction_type)


def noise_predictor(
    unet: UNet, schedule: Schedule, prediction_type: PredictionType
) -> NoisePredictor:
    """Split the network once, for use inside jit."""
    graphdef, parameters = nnx.split(unet)
    return NoisePredictor(parameters, schedule, graphdef, prediction_type)


def ask(predict: Predict, x_t: jax.Array, t: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Return what any predictor says of x_t: eps, and by name x_0 where it need not follow."""
    if not isinstance(predict, NoisePredictor):
        return predict(x_t, t), {}
    eps, x_0 = predict.eps_and_x_0(x_t, t)
    return eps, {} if x_0 is None else {"x_0": x_0}
