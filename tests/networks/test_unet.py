"""The U-Net: shapes, and that every setting of it is read."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sfumato.errors import InputError
from sfumato.networks.initialisation import initialise, skeleton
from sfumato.networks.unet_config import UNetConfig

pytestmark = pytest.mark.quick_compile

SMALL = UNetConfig(
    input_dim=(8, 8, 1),
    channels=4,
    channel_multipliers=(1, 2),
    attention_levels=(1,),
    attention_heads=2,
    norm_groups=4,
)


ONE_LEVEL = {"channel_multipliers": (1,), "attention_levels": ()}


def small(**changes):
    return UNetConfig.model_validate({**SMALL.model_dump(), **changes})


@nnx.jit
def call(unet, *arguments, **options):
    """Run the network as one program: eagerly, each of its layers would be compiled alone."""
    return unet(*arguments, **options)


def count(config):
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(skeleton(config), nnx.Param)))


@pytest.fixture(scope="module")
def unet():
    return initialise(SMALL, jax.random.key(0))


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (33, 17, 2), (5, 1, 1), (1, 1, 4)])
@pytest.mark.parametrize("multipliers", [(1,), (1, 2, 2), (1, 2, 3, 4)])
def test_any_shape_comes_out_as_it_went_in(shape, multipliers):
    config = small(input_dim=shape, channel_multipliers=multipliers, attention_levels=())
    graphdef, state = nnx.split(skeleton(config))
    x, t = jnp.zeros((2, *shape)), jnp.zeros(2, int)
    out = jax.eval_shape(lambda state: nnx.merge(graphdef, state)(x, t), state)
    assert out.shape == (2, *shape) and out.dtype == jnp.float32


@pytest.mark.parametrize(("groups", "heard"), [(4, False), (2, True), (1, True)])
def test_with_a_group_for_each_channel_time_is_not_heard(groups, heard):
    """Normalisation takes away a constant of each group."""
    config = small(**ONE_LEVEL, norm_groups=groups)
    unet = initialise(config, jax.random.key(0))
    x = jnp.repeat(jax.random.normal(jax.random.key(1), (1, 8, 8, 1)), 2, axis=0)
    early, late = call(unet, x, jnp.array([0, 999]))
    assert bool(config.deaf()) is not heard
    assert (abs(early - late).max() > 1e-2) == heard
    assert heard or abs(early - late).max() < 1e-5
    assert not small(norm_groups=4).deaf()  # its second level hears


def test_an_odd_shape_runs():
    unet = initialise(small(input_dim=(7, 5, 2)), jax.random.key(0))
    out = call(unet, jnp.ones((3, 7, 5, 2)), jnp.array([0, 10, 999]))
    assert np.isfinite(out).all() and not np.allclose(out[0], out[1])  # the time is read


@pytest.mark.parametrize(
    ("setting", "value", "more"),
    [
        ("channels", 8, True),
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
def test_settings_that_change_what_it_computes(setting, value, unet):
    x, t = jax.random.normal(jax.random.key(1), (2, 8, 8, 1)), jnp.array([3, 500])
    other = initialise(small(**{setting: value}), jax.random.key(0))
    assert jax.tree.map(jnp.shape, nnx.state(other)) == jax.tree.map(jnp.shape, nnx.state(unet))
    assert not np.allclose(call(unet, x, t), call(other, x, t))


def test_blocks_lie_in_their_levels():
    """Two levels of three blocks, down and up; attention at the second, and in the middle."""
    unet = skeleton(small(blocks_per_level=3))
    assert [len(level) for level in unet.down] == [len(level) for level in unet.up] == [3, 3]
    attends = [[block.attention is not None for block in level] for level in unet.down]
    assert attends == [[False] * 3, [True] * 3]
    assert [[block.attention is not None for block in level] for level in unet.up] == attends[::-1]
    assert [block.attention is not None for block in unet.middle] == [True, False]
    # on the way up a block takes what comes from below, and what its counterpart put out
    entering = [[block.conv_1.kernel.shape[2] for block in level] for level in unet.up]
    assert entering == [[8 + 8, 8 + 8, 8 + 8], [8 + 4, 4 + 4, 4 + 4]]


def test_attention_lets_far_pixels_speak():
    """One changed corner reaches the opposite one through attention, not through convolutions."""

    def reach(levels):
        config = small(input_dim=(32, 32, 1), channel_multipliers=(1,), attention_levels=levels)
        unet = initialise(config, jax.random.key(0))
        unet.eval()
        # Normalise nothing across the image, so that only attention can carry the change.
        for module in (module for _, module in nnx.iter_modules(unet)):
            if isinstance(module, nnx.GroupNorm):
                module.__class__ = Identity
        x = jnp.ones((2, 32, 32, 1)).at[1, 0, 0].set(2.0)
        out = call(unet, x, jnp.zeros(2))
        return float(jnp.abs(out[0, -1, -1] - out[1, -1, -1]).max())

    assert reach(()) == 0
    assert reach((0,)) > 0


class Identity(nnx.GroupNorm):
    """A norm that does nothing."""

    def __call__(self, x):
        """Return x."""
        return x


def test_dropout_drops_while_training_and_only_then():
    dropping = initialise(small(dropout=0.5, **ONE_LEVEL), jax.random.key(0))
    x, t = jnp.ones((1, 8, 8, 1)), jnp.zeros(1)
    one, two = (call(dropping, x, t, rngs=nnx.Rngs(dropout=seed)) for seed in (0, 1))
    assert not np.allclose(one, two)
    dropping.eval()
    plain = initialise(small(**ONE_LEVEL), jax.random.key(0))
    np.testing.assert_allclose(call(dropping, x, t), call(plain, x, t), rtol=1e-6)


def test_classes():
    """Each class has its own answer; -1 is that of no label at all, image by image."""
    knowing = initialise(small(num_classes=3, **ONE_LEVEL), jax.random.key(0))
    x, t = jnp.ones((3, 8, 8, 1)), jnp.zeros(3)
    known = call(knowing, x, t, jnp.array([0, 2, -1]))
    none = call(knowing, x, t)
    assert not np.allclose(known[0], known[1]) and not np.allclose(known[:2], none[:2])
    np.testing.assert_allclose(known[2], none[2], atol=1e-6)
    with pytest.raises(InputError, match="num_classes"):
        call(initialise(small(**ONE_LEVEL), jax.random.key(0)), x, t, jnp.array([0, 1, -1]))


def test_the_size_that_is_promised():
    """The README and config.yaml say 7.7 M and 0.8 M parameters."""
    size = UNetConfig(channels=64, channel_multipliers=(1, 2, 4), attention_levels=())
    assert size.widths == (64, 128, 256)
    assert round(count(size) / 1e6, 1) == 7.7
    assert round(count(UNetConfig()) / 1e6, 1) == 0.8


def test_a_network_on_blocks_keeps_the_shape():
    config = small(input_dim=(32, 32, 1), patch_size=2, **ONE_LEVEL)
    unet = initialise(config, jax.random.key(0))
    assert unet.conv_in.kernel.shape == (3, 3, 4, 4)
    assert call(unet, jnp.zeros((2, 32, 32, 1)), jnp.zeros(2)).shape == (2, 32, 32, 1)


def test_it_computes_in_another_precision(unet):
    structure = nnx.graphdef(skeleton(SMALL, jnp.bfloat16))
    rough = nnx.merge(structure, nnx.state(unet, nnx.Param))
    x = jax.random.normal(jax.random.key(1), (2, 8, 8, 1))
    ours, theirs = (call(each, x, jnp.array([3, 900])) for each in (unet, rough))
    assert theirs.dtype == jnp.float32
    difference = np.abs(np.asarray(ours - theirs)).max()
    assert 0 < difference < 0.05 * float(np.abs(ours).max())  # bfloat16 has 8 bits
