"""The network: shapes, and that every setting of it is read."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sfumato.config.model import UNetConfig
from sfumato.config.validation import validate
from sfumato.errors import InputError
from sfumato.networks.unet import (
    UNet,
    _from_patches,
    _to_patches,
    initialise,
    sinusoidal_embedding,
    skeleton,
)

SMALL = UNetConfig(
    input_dim=(8, 8, 1),
    channels=8,
    channel_multipliers=(1, 2),
    attention_levels=(1,),
    attention_heads=2,
    norm_groups=4,
)


def small(**changes):
    return UNetConfig.model_validate({**SMALL.model_dump(), **changes})


def parameters(config):
    return nnx.state(initialise(config, jax.random.key(0)), nnx.Param)


@nnx.jit
def call(unet, *arguments, **options):
    """Run the network as one program: eagerly, each of its layers would be compiled alone."""
    return unet(*arguments, **options)


def count(config):
    return sum(leaf.size for leaf in jax.tree.leaves(parameters(config)))


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (33, 17, 2), (5, 1, 1), (1, 1, 4)])
@pytest.mark.parametrize("multipliers", [(1,), (1, 2, 2), (1, 2, 3, 4)])
def test_any_shape_comes_out_as_it_went_in(shape, multipliers):
    config = small(input_dim=shape, channel_multipliers=multipliers, attention_levels=())
    unet = nnx.eval_shape(lambda: UNet(config, rngs=nnx.Rngs(0)))
    graphdef, state = nnx.split(unet)
    out = jax.eval_shape(
        lambda state, x, t: nnx.merge(graphdef, state)(x, t),
        state,
        jnp.zeros((2, *shape)),
        jnp.zeros(2, int),
    )
    assert out.shape == (2, *shape) and out.dtype == jnp.float32


def test_a_skeleton_is_the_network_with_shapes_in_place_of_weights():
    config = small(num_classes=3, attention_levels=(1,))
    bare = skeleton(config)
    graphdef, state = nnx.split(nnx.eval_shape(lambda: UNet(config, rngs=nnx.Rngs(0))))
    assert nnx.graphdef(bare) == graphdef
    shapes = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), (nnx.state(bare), state))
    assert shapes[0] == shapes[1]


def test_an_odd_shape_runs():
    unet = initialise(small(input_dim=(7, 5, 2)), jax.random.key(0))
    out = call(unet, jnp.ones((3, 7, 5, 2)), jnp.array([0, 10, 999]))
    assert np.isfinite(out).all() and not np.allclose(out[0], out[1])  # the time is read


@pytest.mark.parametrize(
    ("setting", "value", "more"),
    [
        ("channels", 16, True),
        ("channel_multipliers", (1, 2, 2), True),
        ("channel_multipliers", (1, 4), True),
        ("blocks_per_level", 2, True),
        ("attention_levels", (0, 1), True),
        ("attention_levels", (), False),
        ("input_dim", (8, 8, 3), True),
        ("num_classes", 10, True),
    ],
)
def test_settings_that_size_the_network(setting, value, more):
    assert (count(small(**{setting: value})) > count(SMALL)) == more


@pytest.mark.parametrize(("setting", "value"), [("attention_heads", 4), ("norm_groups", 2)])
def test_settings_that_change_what_it_computes(setting, value):
    x, t = jax.random.normal(jax.random.key(1), (2, 8, 8, 1)), jnp.array([3, 500])
    graphdef, state = nnx.split(initialise(SMALL, jax.random.key(0)))
    other = initialise(small(**{setting: value}), jax.random.key(0))
    assert jax.tree.map(jnp.shape, nnx.state(other)) == jax.tree.map(jnp.shape, state)
    assert not np.allclose(call(nnx.merge(graphdef, state), x, t), call(other, x, t))


def test_attention_lets_far_pixels_speak():
    """One changed corner reaches the opposite one through attention, not through convolutions."""

    def reach(levels):
        config = small(input_dim=(64, 64, 1), channel_multipliers=(1,), attention_levels=levels)
        unet = initialise(config, jax.random.key(0))
        unet.eval()
        # Normalise nothing across the image, so that only attention can carry the change.
        for module in (module for _, module in nnx.iter_modules(unet)):
            if isinstance(module, nnx.GroupNorm):
                module.__class__ = Identity
        x = jnp.ones((1, 64, 64, 1))
        difference = call(unet, x, jnp.zeros(1)) - call(unet, x.at[0, 0, 0].set(2.0), jnp.zeros(1))
        return float(jnp.abs(difference[0, -1, -1]).max())

    assert reach(()) == 0
    assert reach((0,)) > 0


class Identity(nnx.GroupNorm):
    """A norm that does nothing."""

    def __call__(self, x):
        """Return x."""
        return x


def test_dropout_drops_while_training_and_only_then():
    unet = initialise(small(dropout=0.5), jax.random.key(0))
    x, t = jnp.ones((1, 8, 8, 1)), jnp.zeros(1)
    one, two = (call(unet, x, t, rngs=nnx.Rngs(dropout=seed)) for seed in (0, 1))
    assert not np.allclose(one, two)
    unet.eval()
    np.testing.assert_array_equal(call(unet, x, t), call(unet, x, t))
    plain = initialise(SMALL, jax.random.key(0))
    np.testing.assert_allclose(call(unet, x, t), call(plain, x, t), rtol=1e-6)


def test_classes():
    unet = initialise(small(num_classes=3), jax.random.key(0))
    x, t = jnp.ones((2, 8, 8, 1)), jnp.zeros(2)
    known = call(unet, x, t, jnp.array([0, 2]))
    assert not np.allclose(known[0], known[1])
    assert not np.allclose(known, call(unet, x, t))
    with pytest.raises(InputError, match="num_classes"):
        initialise(SMALL, jax.random.key(0))(x, t, jnp.array([0, 1]))


def test_initialise_draws_from_the_same_law_as_flax():
    """Each parameter's spread is that of flax's own initialisers, within sampling error."""
    config = small(channels=32, channel_multipliers=(1,), attention_levels=(0,), num_classes=50)
    ours = jax.tree_util.tree_leaves_with_path(parameters(config))
    flax = jax.tree_util.tree_leaves_with_path(nnx.state(UNet(config, rngs=nnx.Rngs(1))))
    assert len(ours) == len(flax) > 30
    for (path, a), (other_path, b) in zip(ours, flax, strict=True):
        assert path == other_path and a.shape == b.shape and a.dtype == b.dtype
        tolerance = 5 / np.sqrt(a.size)
        np.testing.assert_allclose(a.std(), b.std(), rtol=tolerance, err_msg=str(path))
        if a.ndim == 1:
            np.testing.assert_array_equal(a, b)
    kernels = np.concatenate([np.ravel(a) for _, a in ours if a.ndim > 1])
    assert len(np.unique(kernels)) > 0.95 * len(kernels)  # no part of the draw is used twice


def test_initialise_depends_on_the_key_alone():
    leaves = [jax.tree.leaves(nnx.state(initialise(SMALL, jax.random.key(k)))) for k in (0, 0, 1)]
    for a, b, other in zip(*leaves, strict=True):
        np.testing.assert_array_equal(a, b)
        if a.ndim > 1:
            assert not np.array_equal(a, other)


def test_embedding_of_time():
    embedding = sinusoidal_embedding(jnp.arange(1000), 33)
    assert embedding.shape == (1000, 33) and (embedding[:, -1] == 0).all()
    np.testing.assert_allclose((embedding**2).sum(axis=1), 16, rtol=1e-5)  # sin^2 + cos^2
    np.testing.assert_allclose(embedding[:, 0], np.sin(np.arange(1000)), atol=1e-4)
    distances = np.linalg.norm(embedding[:, None] - embedding[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert distances.min() > 0.1  # no two times look alike


def test_the_size_that_is_promised():
    """The README and config.yaml say 7.7 M and 0.8 M parameters."""
    size = UNetConfig(channels=64, channel_multipliers=(1, 2, 4), attention_levels=())
    assert size.widths == (64, 128, 256)
    assert round(count(size) / 1e6, 1) == 7.7
    assert round(count(UNetConfig()) / 1e6, 1) == 0.8


def test_blocks_of_pixels_become_channels():
    """A picture of which pixel (i, j) holds 10 i + j: its first block is 0, 1, 10, 11."""
    x = (10 * jnp.arange(4.0)[:, None] + jnp.arange(6.0)).reshape(1, 4, 6, 1)
    patches = _to_patches(x, 2)
    assert patches.shape == (1, 2, 3, 4)
    np.testing.assert_array_equal(patches[0, 0, 0], [0, 1, 10, 11])
    np.testing.assert_array_equal(patches[0, 1, 2], [24, 25, 34, 35])
    colours = jnp.arange(2.0 * 4 * 6 * 3).reshape(2, 4, 6, 3)
    np.testing.assert_array_equal(_from_patches(_to_patches(colours, 2), 2), colours)


def test_a_network_on_blocks_keeps_the_shape():
    config = UNetConfig(
        input_dim=(32, 32, 1),
        patch_size=2,
        channels=4,
        channel_multipliers=(1,),
        attention_levels=(),
        norm_groups=1,
    )
    unet = initialise(config, jax.random.key(0))
    assert unet.conv_in.kernel.shape == (3, 3, 4, 4)
    assert call(unet, jnp.zeros((2, 32, 32, 1)), jnp.zeros(2)).shape == (2, 32, 32, 1)
    with pytest.raises(InputError, match="patch_size: 5 must divide height and width"):
        validate(UNetConfig, {"patch_size": 5})


def test_it_computes_in_another_precision():
    unet = initialise(SMALL, jax.random.key(0))
    structure = nnx.graphdef(
        nnx.eval_shape(lambda: UNet(SMALL, rngs=nnx.Rngs(0), dtype=jnp.bfloat16))
    )
    rough = nnx.merge(structure, nnx.state(unet, nnx.Param))
    x = jax.random.normal(jax.random.key(1), (2, 8, 8, 1))
    ours, theirs = (call(each, x, jnp.array([3, 900])) for each in (unet, rough))
    assert theirs.dtype == jnp.float32
    difference = np.abs(np.asarray(ours - theirs)).max()
    assert 0 < difference < 0.05 * float(np.abs(ours).max())  # bfloat16 has 8 bits
