"""A network that is to learn other classes begins as what the trained one draws without a class."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sfumato.errors import InputError
from sfumato.networks import config_class
from sfumato.networks.base import Network
from sfumato.networks.blocks import Layers
from sfumato.networks.classes import with_classes
from sfumato.networks.embedding import Embedding
from sfumato.networks.initialisation import skeleton

pytestmark = pytest.mark.quick_compile

SMALL = {
    "unet": {"channels": 8, "norm_groups": 4, "attention_levels": [], "dropout": 0.1},
    "dit": {"patch_size": 2, "width": 16, "depth": 1, "attention_heads": 2},
}


def network_of(architecture, num_classes, **changes):
    settings = {"input_dim": [8, 8, 1], **SMALL[architecture], "num_classes": num_classes}
    return config_class(architecture)(**settings | changes)


def trained(config):
    """Return a network none of whose weights are zero, as they are in a fresh one."""
    graphdef, state = nnx.split(skeleton(config))
    rng = np.random.default_rng(3)
    drawn = jax.tree.map(lambda w: jnp.asarray(rng.normal(0, 0.3, w.shape), w.dtype), state)
    return nnx.merge(graphdef, drawn)


def predictions(network, labels=None):
    x = jax.random.normal(jax.random.key(0), (4, 8, 8, 1))
    network.eval()  # without dropout
    return np.asarray(_apply(*nnx.split(network), x, jnp.array([0, 3, 50, 99]), labels))


@partial(jax.jit, static_argnums=0)
def _apply(graphdef, state, x, t, labels):
    return nnx.merge(graphdef, state)(x, t, labels)


@pytest.mark.parametrize("architecture", ["unet", "dit"])
@pytest.mark.parametrize(("known", "asked"), [(5, 3), (3, 5), (3, 0), (0, 3)])
def test_all_classes_begin_as_none(architecture, known, asked):
    before = trained(network_of(architecture, known))
    after = with_classes(before, network_of(architecture, asked))
    assert after.config.num_classes == asked
    expected = predictions(before)
    np.testing.assert_allclose(predictions(after), expected, rtol=0, atol=1e-5)
    if asked:
        every = jnp.array([0, asked - 1, -1, 1])
        np.testing.assert_allclose(predictions(after, every), expected, rtol=0, atol=1e-5)
    if known:
        assert np.abs(predictions(before, jnp.arange(4) % known) - expected).max() > 1e-3


def test_as_many_classes_are_the_same_ones():
    before = trained(network_of("unet", 3))
    after = with_classes(before, network_of("unet", 3, dropout=0.5))
    labels = jnp.array([0, 1, 2, -1])
    np.testing.assert_array_equal(predictions(after, labels), predictions(before, labels))
    assert after.config.dropout == 0.5


class OwnTable(Network):
    """A network with a table of classes beside its embedding of the time."""

    def __init__(self, config, *, rngs, dtype=None):
        """Make the layers; see Network."""
        self.config, layers = config, Layers(rngs, dtype)
        self.embed = Embedding(8, 0, layers)
        self.classes = nnx.Embed(config.num_classes + 1, self.embed.width, rngs=rngs)
        self.out = layers.linear(self.embed.width, 1)

    def __call__(self, x, t, labels=None, *, told=None, rngs=None):
        """Return the prediction; see Network."""
        labels = jnp.full(t.shape, self.config.num_classes) if labels is None else labels
        return x + self.out(self.embed(t, None, told) + self.classes(labels))[:, None, None]


@pytest.mark.parametrize(("known", "asked"), [(5, 3), (3, 0), (0, 3)])
def test_classes_of_a_network_s_own_table_stay(known, asked, monkeypatch):
    monkeypatch.setattr("sfumato.networks.initialisation.network_class", lambda _: OwnTable)
    before = trained(network_of("unet", known))
    with pytest.raises(InputError, match=rf"model\.num_classes: .* keep {known}"):
        with_classes(before, network_of("unet", asked))
    same = with_classes(before, network_of("unet", known, dropout=0.3))
    np.testing.assert_array_equal(predictions(same), predictions(before))
