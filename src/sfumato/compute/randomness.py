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
    from collections.abc import Sequence

    import jax


THREEFRY = "threefry2x32"
"""The kind of every key here; what another kind draws may depend on how many are used at once."""


def threefry_key(data: jax.typing.ArrayLike | Sequence[int]) -> jax.Array:
    """Return the key, or keys, of what `jax.random.key_data` said of them: (..., 2)."""
    from jax import numpy, random

    return random.wrap_key_data(numpy.asarray(data, "uint32"), impl=THREEFRY)


def as_threefry(key: jax.Array) -> jax.Array:
    """Return a key as it is, or one of threefry that is drawn from it."""
    from jax import random

    of_threefry = str(random.key_impl(key)) == THREEFRY
    return key if of_threefry else threefry_key(random.bits(key, (2,), "uint32"))


def stage_key(seed: int, stream: int) -> jax.Array:
    """Return the key of a stage by the number of its stream: seed 0 .. 2^32 - 1.

    It is threefry's, whatever jax's default is and whatever offset jax adds to seeds.
    """
    from jax import random

    return random.fold_in(threefry_key([0, seed]), stream)


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
