"""The steps of the small classifiers: AdamW, its learning rate an argument of each step.

Loshchilov and Hutter 2019, arXiv:1711.05101. One program serves every rate and number of steps.
"""

from collections.abc import Callable
from functools import partial

import jax
import optax
from flax import nnx

from sfumato.compute.compilation import compiled

OPTIMISER = optax.adamw(1.0)  # the changes for a learning rate of 1; each step scales them
Carry = tuple[nnx.State, optax.OptState]
"""The weights, and the optimiser's state."""


@partial(compiled, static_argnums=(0, 1, 2))
def begin(
    network: Callable[..., nnx.Module], image_shape: tuple[int, ...], n_classes: int, key: jax.Array
) -> Carry:
    """Draw the fresh weights of a classifier, and make the optimiser's state for them."""
    weights = nnx.state(network(image_shape, n_classes, rngs=nnx.Rngs(key)))
    return weights, OPTIMISER.init(weights)


def descend(carry: Carry, gradient: nnx.State, rate: jax.typing.ArrayLike) -> Carry:
    """Take one step against the gradient."""
    weights, moments = carry
    change, moments = OPTIMISER.update(gradient, moments, weights)
    return jax.tree.map(lambda w, dw: w + rate * dw, weights, change), moments
