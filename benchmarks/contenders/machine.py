"""What the machine can do: products of matrices, and copies, through jax."""

import jax
import jax.numpy as jnp
from worker import Task, serve

SIDE = 2048
COPIED = 2**26
REPEAT = 8


def product() -> Task:
    """Return REPEAT products of two matrices, float32."""
    a = jnp.ones((SIDE, SIDE))
    multiply = jax.jit(jnp.matmul)
    return lambda: jax.block_until_ready([multiply(a, a) for _ in range(REPEAT)])


def copy() -> Task:
    """Return REPEAT copies of an array that no cache holds."""
    a = jnp.ones(COPIED)
    plus = jax.jit(lambda a: a + 1)
    return lambda: jax.block_until_ready([plus(a) for _ in range(REPEAT)])


if __name__ == "__main__":
    serve(
        {
            "versions": {"jax": jax.__version__},
            "device": jax.local_devices()[0].device_kind,
            "product_flop": REPEAT * 2 * SIDE**3,
            "copy_bytes": REPEAT * 2 * 4 * COPIED,
        },
        {"product": product, "copy": copy},
    )
