"""What the machine can do: products of matrices, and copies, through jax.

On an accelerator also in tf32 and bfloat16, and of larger matrices, which keep it busy.
"""

from functools import partial

import jax
import jax.numpy as jnp
from worker import Task, serve

ACCELERATED = jax.default_backend() != "cpu"
SIDE = 8192 if ACCELERATED else 2048
COPIED = 2**28  # bytes of an array
REPEAT = 8
PRODUCTS = {
    "product": ("float32", jnp.float32),
    "product-tf32": ("tensorfloat32", jnp.float32),
    "product-bfloat16": ("bfloat16", jnp.bfloat16),
}
COPIES = {"copy": jnp.float32, "copy-bfloat16": jnp.bfloat16}


def product(precision: str, dtype: jax.typing.DTypeLike) -> Task:
    """Return REPEAT products of two matrices."""
    a = jnp.ones((SIDE, SIDE), dtype)
    multiply = jax.jit(partial(jnp.matmul, precision=precision))
    return lambda: jax.block_until_ready([multiply(a, a) for _ in range(REPEAT)])


def copy(dtype: jax.typing.DTypeLike) -> Task:
    """Return REPEAT passes over an array that no cache holds: read, and written in place."""
    arrays = [jnp.ones(COPIED // jnp.dtype(dtype).itemsize, dtype)]
    change = jax.jit(lambda a: a * 2, donate_argnums=0)

    def run() -> None:
        for _ in range(REPEAT):
            arrays[0] = change(arrays[0])
        jax.block_until_ready(arrays)

    return run


if __name__ == "__main__":
    tasks = {name: partial(product, *how) for name, how in PRODUCTS.items()}
    tasks |= {name: partial(copy, dtype) for name, dtype in COPIES.items()}
    serve(
        {
            "versions": {"jax": jax.__version__},
            "device": jax.local_devices()[0].device_kind,
            "product_flop": REPEAT * 2 * SIDE**3,
            "copy_bytes": REPEAT * 2 * COPIED,
        },
        {name: task for name, task in tasks.items() if ACCELERATED or "-" not in name},
    )
