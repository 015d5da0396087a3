"""The steps of the small classifiers: AdamW, its learning rate an argument of each step.

Loshchilov and Hutter 2019, arXiv:1711.05101. One program serves every rate and number of steps.
"""

import jax
import optax
from flax import nnx

OPTIMISER = optax.adamw(1.0)  # the changes for a learning rate of 1; each step scales them
Carry = tuple[nnx.State, optax.OptState]
"""The weights, and the optimiser's state."""


def begin(weights: nnx.State) -> Carry:
    """Return fresh weights with the optimiser's state for them."""
    return weights, OPTIMISER.init(weights)


def descend(carry: Carry, gradient: nnx.State, rate: jax.typing.ArrayLike) -> Carry:
    """Take one step against the gradient."""
    weights, moments = carry
    change, moments = OPTIMISER.update(gradient, moments, weights)
    return jax.tree.map(lambda w, dw: w + rate * dw, weights, change), moments
