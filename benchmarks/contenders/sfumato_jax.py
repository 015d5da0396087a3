"""This library: sampling through its own loop, training through its own step."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import jax
import numpy as np
from sizes import BATCH, NOISE_STEPS, SIDE, STEPS, TRAINING_BATCH, TRAINING_STEPS, WIDTHS
from worker import Task, serve
from xla import flop, size

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


def network(blocks: int) -> Network:
    """Make the U-Net of the experiment `artifex_size`, with so many blocks per level."""
    config = UNetConfig(
        channels=WIDTHS[0],
        channel_multipliers=tuple(width // WIDTHS[0] for width in WIDTHS),
        attention_levels=(),
        blocks_per_level=blocks,
    )
    return initialise(config, stage_key(0, 1))


def ddim(blocks: int) -> Task:
    """Return STEPS steps of DDIM on one batch."""
    diffusion = DiffusionConfig(noise_steps=NOISE_STEPS)
    schedule = make_schedule(diffusion)
    denoise = Clipping()(make_denoiser(network(blocks), schedule, "epsilon"), schedule)
    return lambda: sample(
        denoise,
        schedule,
        sampler_class("ddim")(),
        n_samples=BATCH,
        timesteps=spaced_timesteps(NOISE_STEPS, STEPS),
        key=stage_key(0, 3),
        image_shape=(SIDE, SIDE, 1),
        micro_batch=SamplingConfig().on(jax.default_backend()),
    )


def training(blocks: int) -> Task:
    """Return some steps of training."""
    images = np.random.default_rng(0).uniform(-1, 1, (TRAINING_BATCH, SIDE, SIDE, 1))
    unet, labels = network(blocks), np.zeros(TRAINING_BATCH, int)
    config = TrainingConfig(steps=TRAINING_STEPS, batch_size=TRAINING_BATCH, warmup_steps=0)
    return lambda: train(
        unet,
        DiffusionConfig(noise_steps=NOISE_STEPS),
        config,
        images.astype(np.float32),
        labels,
        key=stage_key(0, 4),
    )


if __name__ == "__main__":
    blocks = int(sys.argv[1])
    spread_over_cores()
    device = jax.local_devices()[0]
    serve(
        {
            "versions": {"jax": jax.__version__},
            "device": device.device_kind,
            "parameters": size(network(blocks)),
            "flop": flop(network(blocks)),
        },
        {"ddim": lambda: ddim(blocks), "training": lambda: training(blocks)},
    )
