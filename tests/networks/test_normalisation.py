"""Group normalisation against its definition in NumPy, and against flax's own and its gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sfumato.compute.compilation import compiler_options
from sfumato.compute.fusion import apart, pixel_means
from sfumato.networks.normalisation import GroupNorm

SHAPE = (3, 5, 4, 12)


@pytest.fixture
def layers():
    """Return our layer and flax's, with equal scales and biases, and what they are to normalise."""
    random = np.random.default_rng(0)
    ours, theirs = (kind(12, 3, rngs=nnx.Rngs(0)) for kind in (GroupNorm, nnx.GroupNorm))
    for layer in (ours, theirs):
        layer.scale[...] = jnp.linspace(-1, 2, 12)
        layer.bias[...] = jnp.linspace(3, 0, 12)
    return ours, theirs, 2 + 3 * random.standard_normal(SHAPE).astype(np.float32)


def test_it_is_its_definition(layers):
    ours, _, x = layers
    groups = x.astype(float).reshape(3, 5, 4, 3, 4)
    mean = groups.mean((1, 2, 4), keepdims=True)
    variance = groups.var((1, 2, 4), keepdims=True)
    normal = ((groups - mean) / np.sqrt(variance + ours.epsilon)).reshape(SHAPE)
    expected = normal * np.linspace(-1, 2, 12) + np.linspace(3, 0, 12)
    np.testing.assert_allclose(ours(x), expected, atol=5e-6)


def test_its_gradients_are_those_of_flax(layers):
    *both, x = layers

    def gradients(layer):
        graphdef, weights = nnx.split(layer)
        towards = jnp.cos(jnp.arange(x.size)).reshape(SHAPE)

        def loss(weights, x):
            return (nnx.silu(nnx.merge(graphdef, weights)(x)) * towards).sum()

        return jax.jit(jax.grad(loss, (0, 1)), compiler_options=compiler_options())(weights, x)

    for ours, theirs in zip(*map(jax.tree.leaves, map(gradients, both)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_constant_images_and_large_ones_stay_finite(layers):
    ours, _, x = layers
    of_constants = ours(jnp.full(SHAPE, 7.0))
    rounding = 2 * 7 * 2**-23 / np.sqrt(ours.epsilon)
    bias = np.broadcast_to(ours.bias[...], SHAPE)
    np.testing.assert_allclose(of_constants, bias, atol=2 * rounding)
    assert jnp.isfinite(ours(1e6 * x)).all()


def test_half_precision_is_that_of_the_result_alone(layers):
    ours, _, x = layers
    halved = GroupNorm(12, 3, dtype=jnp.bfloat16, rngs=nnx.Rngs(0))
    halved.scale[...], halved.bias[...] = ours.scale[...], ours.bias[...]
    out = halved(x)
    assert out.dtype == jnp.bfloat16
    np.testing.assert_allclose(out.astype(jnp.float32), ours(x), rtol=2**-7, atol=1e-2)


def test_means_of_pixels(layers):
    *_, x = layers
    np.testing.assert_allclose(pixel_means(jnp.asarray(x)), x.mean((1, 2)), rtol=1e-6)


def test_on_other_backends_nothing_is_special(layers, monkeypatch):
    ours, _, x = layers
    expected = ours(x)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    np.testing.assert_allclose(ours(x), expected, atol=1e-5)
    assert "optimization_barrier" not in str(jax.make_jaxpr(jax.grad(lambda x: apart(x) ** 2))(1.0))


def test_what_is_apart_is_differentiated_as_if_it_were_not():
    x = jnp.linspace(0, 1, 5)

    def function(x):
        return jnp.sin(apart(x * x)).sum()

    expected = 2 * x * jnp.cos(x * x)
    np.testing.assert_allclose(jax.grad(function)(x), expected, rtol=1e-6)
    _, along = jax.jvp(function, (x,), (jnp.ones(5),))
    np.testing.assert_allclose(along, expected.sum(), rtol=1e-6)
    hessian = jax.hessian(lambda x: jnp.sin(apart(x)).sum())(x)
    np.testing.assert_allclose(hessian, -jnp.diag(jnp.sin(x)), atol=1e-6)


@pytest.mark.skipif(not compiler_options(), reason="of the CPU's backend, and of this version")
def test_a_gradient_that_is_apart_is_computed_once():
    """XLA would compute the exponential anew for each use, here two sums and a product."""

    def function(x, w):
        return (nnx.silu(apart(x * w)) ** 2).sum()

    gradient = jax.jit(jax.grad(function, (0, 1)), compiler_options=compiler_options())
    x, w = jnp.ones((64, 32)), jnp.ones(32)
    program = gradient.lower(x, w).compile().as_text()
    assert program.count(" exponential(") == 1
