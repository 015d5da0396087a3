"""Artifex, where the demo comes from: its model, its own sampling."""

from importlib.metadata import version

import jax
from artifex.generative_models.core.configuration import (
    DDPMConfig,
    NoiseScheduleConfig,
    UNetBackboneConfig,
)
from artifex.generative_models.models.diffusion.ddpm import DDPMModel
from flax import nnx
from sizes import BATCH, NOISE_STEPS, SIDE, STEPS, WIDTHS
from worker import Task, serve
from xla import flop, parameters


def model() -> DDPMModel:
    """Make the model of the demo, in the words of version 0.1.3."""
    config = DDPMConfig(
        name="ddpm_mnist",
        input_shape=(SIDE, SIDE, 1),
        noise_schedule=NoiseScheduleConfig(name="linear", num_timesteps=NOISE_STEPS),
        backbone=UNetBackboneConfig(
            name="unet", hidden_dims=WIDTHS, activation="gelu", in_channels=1, out_channels=1
        ),
    )
    return DDPMModel(config, rngs=nnx.Rngs(0))


def ddim() -> Task:
    """Return STEPS steps of DDIM on one batch."""
    network, rngs = model(), nnx.Rngs(1)
    return lambda: jax.block_until_ready(
        network.sample(n_samples_or_shape=BATCH, scheduler="ddim", steps=STEPS, rngs=rngs)
    )


if __name__ == "__main__":
    serve(
        {
            "versions": {"avitai-artifex": version("avitai-artifex"), "jax": jax.__version__},
            "device": jax.local_devices()[0].device_kind,
            "parameters": parameters(model()),
            "flop": flop(model()),
        },
        {"ddim": ddim},
    )
