"""Which random key draws what.

A stage has one key, from the config's seed and the stage's number. Sample i draws, at time t, from

    fold_in(fold_in(stage_key, i), t),

so that its noise depends on the seed, its own index and the time alone. The start x_T is drawn at
t = noise_steps, a time that no step uses: every sampler starts sample i from the same x_T.

jax is imported inside the functions: the samplers need this module, and the workflow reads the
samplers' knobs while it builds its job graph, where there is no time to load jax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jax


def stage_key(seed: int, stream: int) -> jax.Array:
    """Return the key of a stage by the number of its stream: seed 0 .. 2^32 - 1.

    It is threefry's, whatever jax's default is and whatever offset jax adds to seeds.
    """
    from jax import numpy, random

    key = random.wrap_key_data(numpy.array([0, seed], "uint32"), impl="threefry2x32")
    return random.fold_in(key, stream)


def sample_keys(key: jax.Array, indices: jax.Array) -> jax.Array:
    """Return the key of each sample of a stage: indices (B,) -> keys (B,)."""
    import jax

    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, indices)


def keys_at(keys: jax.Array, t: jax.typing.ArrayLike) -> jax.Array:
    """Return what each sample's key becomes at time t: keys (B,) -> keys (B,)."""
    import jax

    return jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, t)


def normal(keys: jax.Array, like: jax.Array) -> jax.Array:
    """Draw z ~ N(0, I) for each sample from its own key: keys (B,), like (B, ...) -> (B, ...)."""
    import jax

    return jax.vmap(lambda key: jax.random.normal(key, like.shape[1:], like.dtype))(keys)
