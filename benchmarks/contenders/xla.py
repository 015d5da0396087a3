"""What both contenders on jax say of their network."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx
from sizes import BATCH, SIDE


def flop(network: Callable[[jax.Array, jax.Array], object]) -> float:
    """Count multiplications and additions of one evaluation, as XLA does before it optimises."""
    graphdef, state = nnx.split(network)
    x, t = jnp.zeros((BATCH, SIDE, SIDE, 1)), jnp.zeros(BATCH, int)
    lowered = jax.jit(lambda state: nnx.merge(graphdef, state)(x, t)).lower(state)
    return lowered.cost_analysis()["flops"]


def parameters(network: nnx.Module) -> int:
    """Count the parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(network, nnx.Param)))
