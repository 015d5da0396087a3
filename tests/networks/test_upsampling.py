"""The convolution of what is upsampled, against the two steps it stands for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy.signal import correlate2d

from sfumato.networks.upsampling import convolve_enlarged, enlarge

pytestmark = pytest.mark.quick_compile


def layer(width_in, width, **options):
    conv = nnx.Conv(width_in, width, (3, 3), rngs=nnx.Rngs(0), **options)
    conv.bias[...] = jnp.arange(width, dtype=jnp.float32)
    return conv


def images(*shape):
    return jax.random.normal(jax.random.key(1), shape)


def test_enlarge_repeats_pixels_and_cuts():
    x = jnp.array([[[[1.0], [2.0]], [[3.0], [4.0]]]])
    wanted = [[1, 1, 2], [1, 1, 2], [3, 3, 4]]
    np.testing.assert_array_equal(enlarge(x, 3, 3)[0, :, :, 0], wanted)


@pytest.mark.parametrize("sides", [(8, 10), (7, 10), (8, 9), (7, 9)])
def test_it_is_the_convolution_of_the_enlarged_image(sides):
    """By scipy, channel by channel, from an image enlarged by numpy."""
    conv, x = layer(3, 2), images(2, 4, 5, 3)
    out = nnx.jit(convolve_enlarged, static_argnums=(2, 3))(conv, x, *sides)
    kernel, bias = np.asarray(conv.kernel[...]), np.asarray(conv.bias[...])
    large = np.kron(np.asarray(x), np.ones((1, 2, 2, 1)))[:, : sides[0], : sides[1]]
    for image, of_image in zip(large, out, strict=True):
        for i in range(2):
            planes = [
                correlate2d(image[:, :, j], kernel[:, :, j, i], mode="same") for j in range(3)
            ]
            np.testing.assert_allclose(of_image[:, :, i], sum(planes) + bias[i], atol=1e-5)


@pytest.mark.parametrize("sides", [(12, 16), (11, 16)])
def test_its_gradient_is_that_of_the_two_steps(sides):
    conv, x = layer(4, 4), images(2, 6, 8, 4)

    def loss(convolve):
        return nnx.jit(nnx.grad(lambda conv, x: (convolve(conv, x) ** 2).sum(), argnums=(0, 1)))

    ours = loss(lambda conv, x: convolve_enlarged(conv, x, *sides))(conv, x)
    plain = loss(lambda conv, x: conv(enlarge(x, *sides)))(conv, x)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(plain), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3)


def test_it_computes_in_the_precision_of_the_layer():
    conv, x = layer(3, 2, dtype=jnp.bfloat16), images(1, 4, 4, 3)
    out = convolve_enlarged(conv, x, 8, 8)
    assert out.dtype == jnp.bfloat16 == conv(enlarge(x, 8, 8)).dtype
    np.testing.assert_allclose(out.astype(float), layer(3, 2)(enlarge(x, 8, 8)), atol=0.1)


def test_it_takes_less_than_half_the_products():
    conv, x = layer(32, 32), images(1, 16, 16, 32)

    def flop(convolve):
        graphdef, state = nnx.split(conv)
        lowered = jax.jit(lambda state, x: convolve(nnx.merge(graphdef, state), x)).lower(state, x)
        return lowered.cost_analysis()["flops"]

    ours = flop(lambda conv, x: convolve_enlarged(conv, x, 32, 32))
    assert ours < 0.5 * flop(lambda conv, x: conv(enlarge(x, 32, 32)))
