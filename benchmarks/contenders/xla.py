"""What both contenders on jax say of their network."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx
from sizes import BATCH, SIDE


def flop(network: Callable[[jax.Array, jax.Array], object]) -> float:
    """Count multiplications and additions of one evaluation, as XLA does before it optimises.

    On a CPU, whatever else there is: some backends count only what they have compiled.
    """
    graphdef, state = nnx.split(network)
    cpu = jax.local_devices(backend="cpu")[0]
    arguments = state, jnp.zeros((BATCH, SIDE, SIDE, 1)), jnp.zeros(BATCH, int)
    evaluation = jax.jit(lambda state, x, t: nnx.merge(graphdef, state)(x, t))
    return evaluation.lower(*jax.device_put(arguments, cpu)).cost_analysis()["flops"]


def parameters(network: nnx.Module) -> int:
    """Count the parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(network, nnx.Param)))
