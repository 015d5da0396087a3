"""A training run that takes a second: what the tests of the loop and of its store share."""

from functools import cache

import jax
import numpy as np
from flax import nnx

from sfumato.compute.randomness import stage_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.training import TrainingConfig
from sfumato.networks.initialisation import initialise
from sfumato.networks.unet_config import UNetConfig
from sfumato.training.loop import train
from sfumato.training.state import HISTORY

KEY = stage_key(0, 4)
SMALL = {
    "input_dim": (4, 4, 1),
    "channels": 4,
    "channel_multipliers": (1,),
    "attention_levels": (),
    "norm_groups": 2,
}
DIFFUSION = DiffusionConfig(noise_steps=50, beta_end=0.2)
IMAGES = np.asarray(0.3 * jax.random.normal(jax.random.key(1), (24, 4, 4, 1)))
LABELS = np.arange(24) % 3


@cache
def network(**changes):
    """Return the small network, with fresh weights."""
    return initialise(UNetConfig(**SMALL | changes), stage_key(0, 1))


def run(model=None, images=IMAGES, labels=LABELS, diffusion=DIFFUSION, **settings):
    """Train the small network, and return its weights by place and the history by column."""
    options = {name: settings.pop(name) for name in ("store", "report") if name in settings}
    config = TrainingConfig(**{"steps": 45, "batch_size": 8, "warmup_steps": 5} | settings)
    start = network(**model or {})
    trained, history = train(start, diffusion, config, images, labels, key=KEY, **options)
    return weights(trained), dict(zip(HISTORY, history.T, strict=True))


@cache
def undisturbed_run():
    """Return the weights and the history of a run that nothing stopped."""
    return run()


def weights(network):
    """Return the weights by place."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(network, nnx.Param))]


def same(ours, theirs):
    """Tell whether two lists of weights are the same to the last bit."""
    return all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
