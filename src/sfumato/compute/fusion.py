"""Sums and gradients that XLA's CPU backend must not fuse with what is around them.

It fuses a sum with all that its terms are made of, and so computes each term anew, exponentials
included, for every sum that it is part of, and in an order that the caches do not like: a quarter
of a training step. On other backends, which fuse better, these functions do the plain thing.
"""

import jax
import jax.numpy as jnp


@jax.custom_jvp
def apart(x: jax.Array) -> jax.Array:
    """Return x; its gradient is computed once, kept, and only then used.

    It takes `compilation.compiled` for this to have an effect.
    """
    return x


@apart.defjvp
def _apart_jvp(
    primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
    (x,), (tangent,) = primals, tangents
    return apart(x), jax.lax.optimization_barrier(tangent) if _on_cpu() else tangent


def to_pixels(values: jax.Array) -> jax.Array:
    """Give all pixels of an image the same values, (B, C) -> (B, 1, 1, C).

    The gradient is summed up image by image.
    """
    return apart(values)[:, None, None]


def pixel_means(x: jax.Array) -> jax.Array:
    """Return the means over pixels, (B, H, W, C) -> (B, C): on a CPU as a product of matrices."""
    if not _on_cpu():
        return x.mean((1, 2))
    share = jnp.full(x.shape[:3], 1 / (x.shape[1] * x.shape[2]), x.dtype)
    return jnp.einsum("bhw,bhwc->bc", share, x)


def _on_cpu() -> bool:
    return jax.default_backend() == "cpu"
