"""A training run that takes a second: what the tests of the loop and of its store share."""

from functools import cache

import jax
import numpy as np
from flax import nnx

from sfumato.compute.randomness import stage_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.training import TrainingConfig
from sfumato.networks import initialisation, network_class
from sfumato.networks.base import Network
from sfumato.networks.blocks import Layers, ResidualBlock
from sfumato.networks.embedding import Embedding
from sfumato.networks.unet_config import UNetConfig
from sfumato.training.loop import train
from sfumato.training.state import HISTORY

KEY = stage_key(0, 4)
SMALL = {"input_dim": (4, 4, 1), "channels": 4, "norm_groups": 2}


class OneBlockConfig(UNetConfig):
    """The knobs of a U-Net; most of them do nothing here."""

    architecture: str = "one_block"


class OneBlock(Network):
    """One block of a U-Net, which compiles in a fraction of the time."""

    def __init__(self, config, *, rngs, dtype=None):
        """Make the layers."""
        self.config = config
        layers, width = Layers(rngs, dtype, config.norm_groups), config.channels
        self.embed = Embedding(width, config.num_classes, layers)
        self.conv_in = layers.conv(config.input_dim[-1], width)
        self.block = ResidualBlock(
            width, width, layers=layers, embedding=self.embed.width, dropout=config.dropout
        )
        self.conv_out = layers.conv(width, config.input_dim[-1])

    def __call__(self, x, t, labels=None, *, told=None, rngs=None):
        """Return the prediction."""
        h = self.block(self.conv_in(x), self.embed(t, labels, told), rngs=rngs)
        return self.conv_out(h).astype(x.dtype)


initialisation.network_class = lambda name: OneBlock if name == "one_block" else network_class(name)
DIFFUSION = DiffusionConfig(noise_steps=50, beta_end=0.2)
IMAGES = np.asarray(0.3 * jax.random.normal(jax.random.key(1), (24, 4, 4, 1)))
LABELS = np.arange(24) % 3


@cache
def network(**changes):
    """Return the small network, with fresh weights."""
    return initialisation.initialise(OneBlockConfig(**SMALL | changes), stage_key(0, 1))


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
