"""Fresh weights: their law is flax's, and they depend on the key alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sfumato.networks import initialisation
from sfumato.networks.base import Network
from sfumato.networks.base_config import NetworkConfig
from sfumato.networks.initialisation import initialise, skeleton
from sfumato.networks.naming import from_named, named
from sfumato.networks.unet import UNet
from sfumato.networks.unet_config import UNetConfig

pytestmark = pytest.mark.quick_compile

SMALL = UNetConfig(
    input_dim=(8, 8, 1),
    channels=8,
    channel_multipliers=(1, 2),
    attention_levels=(1,),
    attention_heads=2,
    norm_groups=4,
    num_classes=3,
)


@pytest.mark.parametrize("dtype", [None, jnp.bfloat16])
def test_a_skeleton_is_the_network_with_shapes_in_place_of_weights(dtype):
    bare = skeleton(SMALL, dtype)
    plain = nnx.eval_shape(lambda: UNet(SMALL, rngs=nnx.Rngs(0), dtype=dtype))
    assert nnx.graphdef(bare) == nnx.graphdef(plain)
    ours, theirs = (
        jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), nnx.state(each))
        for each in (bare, plain)
    )
    assert ours == theirs


def test_weights_follow_the_same_law_as_those_of_flax():
    """Each parameter's spread is that of flax's own initialisers, within sampling error."""
    config = UNetConfig(channels=16, channel_multipliers=(1,), attention_levels=(), num_classes=50)
    ours = named(nnx.state(initialise(config, jax.random.key(0))))
    flax = named(nnx.state(nnx.jit(lambda: UNet(config, rngs=nnx.Rngs(1)))()))
    assert ours.keys() == flax.keys() and len(ours) > 20
    for name, a in ours.items():
        b = flax[name]
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a.std(), b.std(), rtol=5 / np.sqrt(a.size), err_msg=name)
        if a.ndim == 1:
            np.testing.assert_array_equal(a, b)
    kernels = np.concatenate([np.ravel(a) for a in ours.values() if a.ndim > 1])
    assert len(np.unique(kernels)) > 0.95 * len(kernels)  # no part of the draw is used twice


def test_weights_depend_on_the_key_alone():
    ours, again, other = (
        named(nnx.state(initialise(SMALL, jax.random.key(seed)))) for seed in (0, 0, 1)
    )
    for name, leaf in ours.items():
        np.testing.assert_array_equal(leaf, again[name])
        assert np.array_equal(leaf, other[name]) == (leaf.ndim == 1)


class Other(Network):
    """A network whose layers begin in ways of their own."""

    def __init__(self, config, *, rngs, dtype=None):
        """Make three layers: one as usual, one that begins at 0, and a free parameter."""
        self.config = config
        self.usual = nnx.Linear(16, 64, rngs=rngs)
        zeros = {"initial": nnx.initializers.zeros}
        self.zero = nnx.Linear(64, 64, kernel_metadata=zeros, rngs=rngs)
        metadata = {"initial": nnx.initializers.normal(2.0)} if config.num_classes else {}
        self.position = nnx.Param(jnp.zeros((64, 64)), **metadata)

    def __call__(self, x, t, labels=None, *, rngs=None):
        """Return x."""
        return x


@pytest.fixture
def other(monkeypatch):
    monkeypatch.setattr(initialisation, "network_class", lambda name: Other)
    return lambda classes: NetworkConfig.model_construct(architecture="other", num_classes=classes)


def test_a_parameter_may_say_how_it_begins(other):
    weights = named(nnx.state(initialise(other(1), jax.random.key(0))))
    assert not weights["zero.kernel"].any()
    assert weights["usual.kernel"].std() == pytest.approx(1 / 4, rel=0.1)
    assert weights["position"].std() == pytest.approx(2, rel=0.1)


def test_a_parameter_that_does_not_say_so_is_refused(other):
    with pytest.raises(TypeError, match=r"Other\.position: no rule says how it begins"):
        initialise(other(0), jax.random.key(0))


def test_names_say_where_a_parameter_is():
    state = nnx.state(skeleton(SMALL))
    names = named(state)
    assert names["down.1.0.attention.project_in.kernel"].shape == (16, 48)
    assert names["embed.labels.embedding"].shape == (4, 32)
    assert from_named(state, names) == state
