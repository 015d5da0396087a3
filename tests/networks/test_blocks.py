"""The layers of the U-Net against those of flax."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sfumato.networks.blocks import Layers


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("dtype", [None, jnp.bfloat16])
def test_a_convolution_and_its_gradients_are_those_of_flax(strides, dtype):
    ours = Layers(nnx.Rngs(0), dtype).conv(3, 4, strides=strides)
    theirs = nnx.Conv(3, 4, (3, 3), strides, dtype=dtype, rngs=nnx.Rngs(0))
    theirs.bias[...] = ours.bias[...] = jnp.arange(4.0)
    x = jax.random.normal(jax.random.key(1), (2, 6, 5, 3))

    def gradients(layer):
        graphdef, weights = nnx.split(layer)

        def loss(weights, x):
            out = nnx.merge(graphdef, weights)(x)
            return (jnp.sin(out.astype(jnp.float32)) ** 2).sum(), out

        return jax.grad(loss, (0, 1), has_aux=True)(weights, x)

    tolerance = 1e-5 if dtype is None else 2e-2
    for one, other in zip(*map(jax.tree.leaves, map(gradients, (ours, theirs))), strict=True):
        assert one.dtype == other.dtype
        one, other = (np.asarray(each, np.float32) for each in (one, other))
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * abs(other).max())
