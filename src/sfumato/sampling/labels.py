"""The classes that samples are asked for, by what the settings say of them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from sfumato.compute.randomness import keys_at, sample_keys
from sfumato.config.labels import RANDOM, Labels, in_turn

_TIME = np.uint32(2**32 - 1)
"""A time that no noise is drawn at, so that a class tells nothing of the noise."""


def asked_labels(
    labels: Labels | None, indices: range, key: jax.Array, num_classes: int
) -> jax.Array | None:
    """Return the class of each sample, (B,) int32; None where none is asked for.

    Random ones make samples of p(x) = sum_c p(x | c) / C, where classes are equally frequent, as
    EDM draws what it measures (arXiv:2206.00364). Sample i has the same class whatever else is
    drawn.

    Args:
        labels: a class for each in turn, or `random`.
        indices: which samples.
        key: from which sample i draws.
        num_classes: C, how many may be asked for.
    """
    if labels is None:
        return None
    if labels != RANDOM:
        return jnp.array(in_turn(labels, indices), jnp.int32)
    keys = keys_at(sample_keys(key, jnp.asarray(indices)), _TIME)
    return jax.vmap(lambda own: jax.random.randint(own, (), 0, num_classes, "int32"))(keys)
