"""The embedding of times, and blocks of pixels as channels."""

import jax.numpy as jnp
import numpy as np
import pytest

from sfumato.networks.embedding import sinusoidal_embedding
from sfumato.networks.patches import from_patches, to_patches

pytestmark = pytest.mark.quick_compile


def test_embedding_of_time():
    embedding = sinusoidal_embedding(jnp.arange(1000), 33)
    assert embedding.shape == (1000, 33) and (embedding[:, -1] == 0).all()
    np.testing.assert_allclose((embedding**2).sum(axis=1), 16, rtol=1e-5)  # sin^2 + cos^2
    np.testing.assert_allclose(embedding[:, 0], np.sin(np.arange(1000)), atol=1e-4)
    distances = np.linalg.norm(embedding[:, None] - embedding[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert distances.min() > 0.1  # no two times look alike


def test_blocks_of_pixels_become_channels():
    """A picture of which pixel (i, j) holds 10 i + j: its first block is 0, 1, 10, 11."""
    x = (10 * jnp.arange(4.0)[:, None] + jnp.arange(6.0)).reshape(1, 4, 6, 1)
    patches = to_patches(x, 2)
    assert patches.shape == (1, 2, 3, 4)
    np.testing.assert_array_equal(patches[0, 0, 0], [0, 1, 10, 11])
    np.testing.assert_array_equal(patches[0, 1, 2], [24, 25, 34, 35])
    colours = jnp.arange(2.0 * 4 * 6 * 3).reshape(2, 4, 6, 3)
    np.testing.assert_array_equal(from_patches(to_patches(colours, 2), 2), colours)
