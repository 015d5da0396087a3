"""This library: sampling through its own loop, training through its own step."""

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import jax
import numpy as np
from sizes import BATCH, NOISE_STEPS, SIDE, SIZES, Size, tasks
from worker import Task, serve
from xla import flop, parameters

from sfumato.compute.backend import spread_over_cores
from sfumato.compute.randomness import stage_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.sampling import SamplingConfig
from sfumato.config.training import TrainingConfig
from sfumato.diffusion.schedule import make_schedule
from sfumato.diffusion.times import spaced_timesteps
from sfumato.guidance.clipping import Clipping
from sfumato.networks.base import Network
from sfumato.networks.denoiser import make_denoiser
from sfumato.networks.initialisation import initialise
from sfumato.networks.unet_config import UNetConfig
from sfumato.samplers import sampler_class
from sfumato.sampling.batches import sample
from sfumato.training.loop import train


def network(size: Size) -> Network:
    """Make the U-Net of a size."""
    config = UNetConfig(
        channels=size.widths[0],
        channel_multipliers=tuple(width // size.widths[0] for width in size.widths),
        attention_levels=size.attention,
        blocks_per_level=size.blocks,
        patch_size=size.patch,
        dropout=size.dropout,
    )
    return initialise(config, stage_key(0, 1))


def draw(size: Size, sampler: str, n_samples: int, steps: int, at_once: int) -> Task:
    """Return a sampler's chain of some images, so many at a time; of BATCH, the usual number."""
    diffusion = DiffusionConfig(noise_steps=NOISE_STEPS)
    schedule = make_schedule(diffusion)
    denoise = Clipping()(make_denoiser(network(size), schedule, "epsilon"), schedule)
    return lambda: sample(
        denoise,
        schedule,
        sampler_class(sampler)(),
        n_samples=n_samples,
        timesteps=spaced_timesteps(NOISE_STEPS, steps),
        key=stage_key(0, 3),
        image_shape=(SIDE, SIDE, 1),
        micro_batch=at_once // len(jax.local_devices())
        if n_samples > BATCH
        else SamplingConfig().on(jax.default_backend()),
    )


def training(size: Size, batch: int, steps: int, precision: str) -> Task:
    """Return some steps of training."""
    images = np.random.default_rng(0).uniform(-1, 1, (batch, SIDE, SIDE, 1))
    unet, labels = network(size), np.zeros(batch, int)
    config = TrainingConfig(steps=steps, batch_size=batch, warmup_steps=0, precision=precision)
    return lambda: train(
        unet,
        DiffusionConfig(noise_steps=NOISE_STEPS),
        config,
        images.astype(np.float32),
        labels,
        key=stage_key(0, 4),
    )


if __name__ == "__main__":
    size = SIZES[sys.argv[1]]
    spread_over_cores()
    device, unet = jax.local_devices()[0], network(size)
    unet.eval()
    serve(
        {
            "versions": {"jax": jax.__version__},
            "device": device.device_kind,
            "parameters": parameters(unet),
            "flop": flop(unet),
            "training_batch": size.training_batch,
        },
        {
            **tasks(size, partial(draw, size, "ddim"), partial(training, size)),
            "demo-ddpm": partial(draw, size, "ddpm", BATCH, NOISE_STEPS, BATCH),
        },
    )
