"""The diffusion transformer: shapes, that every setting is read, and what adaLN-Zero promises."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sfumato.errors import InputError
from sfumato.networks.dit import positions
from sfumato.networks.dit_config import DiTConfig
from sfumato.networks.initialisation import initialise, skeleton

pytestmark = pytest.mark.quick_compile

SMALL = DiTConfig(input_dim=(8, 8, 1), width=16, depth=2, attention_heads=2)


def small(**changes):
    return DiTConfig.model_validate({**SMALL.model_dump(), **changes})


@nnx.jit
def call(network, *arguments, **options):
    return network(*arguments, **options)


def stirred(config):
    """Return a network whose zeros have become numbers, as after some training."""
    graphdef, state = nnx.split(initialise(config, jax.random.key(0)))
    noise = np.random.default_rng(1)
    stir = lambda x: x + np.float32(0.1) * noise.normal(size=x.shape).astype(np.float32)  # noqa: E731
    return nnx.merge(graphdef, jax.tree.map(stir, jax.device_get(state)))


def count(config):
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(skeleton(config), nnx.Param)))


@pytest.fixture(scope="module")
def images():
    return jax.random.normal(jax.random.key(2), (2, 8, 8, 1)), jnp.array([3, 500])


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 16, 3), (2, 2, 4)])
@pytest.mark.parametrize("patch_size", [1, 2])
def test_any_shape_comes_out_as_it_went_in(shape, patch_size):
    graphdef, state = nnx.split(skeleton(small(input_dim=shape, patch_size=patch_size)))
    x, t = jnp.zeros((2, *shape)), jnp.zeros(2, int)
    out = jax.eval_shape(lambda state: nnx.merge(graphdef, state)(x, t), state)
    assert out.shape == (2, *shape) and out.dtype == jnp.float32


@pytest.mark.parametrize(
    "change",
    [{"width": 32}, {"depth": 3}, {"patch_size": 4}, {"num_classes": 5}, {"input_dim": (8, 8, 3)}],
)
def test_settings_that_size_the_network(change):
    assert count(small(**change)) > count(SMALL)


def test_settings_that_change_what_it_computes(images):
    plain, heads = (call(stirred(small(attention_heads=n)), *images) for n in (2, 4))
    assert not np.allclose(plain, heads)
    trained = stirred(small(dropout=0.5))
    trained.train()
    assert not np.allclose(plain, call(trained, *images, rngs=nnx.Rngs(dropout=0)))
    trained.eval()
    np.testing.assert_allclose(call(trained, *images), plain, rtol=1e-5)


def test_a_fresh_network_predicts_zero_and_its_blocks_are_the_identity(images):
    network = initialise(SMALL, jax.random.key(0))
    assert (call(network, *images) == 0).all()
    tokens, embedding = jnp.ones((2, 16, 16)), jnp.ones((2, 16))
    assert (call(network.blocks[0], tokens, embedding) == tokens).all()


def test_time_class_and_place_are_read(images):
    x, t = images
    network = stirred(small(num_classes=3))
    plain = call(network, x, t, jnp.array([0, 1]))
    assert not np.allclose(plain, call(network, x, t + 1, jnp.array([0, 1])))
    assert not np.allclose(plain, call(network, x, t, jnp.array([1, 0])))
    absent = call(network, x, t)
    np.testing.assert_array_equal(absent, call(network, x, t, jnp.array([-1, -1])))
    moved = jnp.roll(call(network, jnp.roll(x, 2, axis=1), t), -2, axis=1)
    assert not np.allclose(absent, moved)  # by its place alone a token knows where it is


def test_places_are_told_apart():
    places = positions(7, 5, 16)
    assert places.shape == (35, 16)
    distances = jnp.linalg.norm(places[:, None] - places[None], axis=-1) + jnp.eye(35)
    assert distances.min() > 0.1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"patch_size": 3}, "patch_size: 3 must divide height and width"),
        ({"attention_heads": 3}, r"attention_heads: 3 must divide width \(16\) evenly"),
        ({"width": 12}, "width: 12 must be a multiple of 8"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said):
    with pytest.raises(InputError, match=said):
        DiTConfig(**(SMALL.model_dump() | settings))
