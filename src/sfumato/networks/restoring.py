"""Weights by name, taken from a network and put back into it."""

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
from flax import nnx

from sfumato.errors import InputError
from sfumato.networks.naming import from_named, named


def structure(
    network: Callable[..., nnx.Module], image_shape: tuple[int, ...], n_classes: int
) -> tuple[nnx.GraphDef, nnx.State]:
    """Return a classifier's structure and the shapes of its weights, without drawing any."""
    return nnx.split(nnx.eval_shape(lambda: network(image_shape, n_classes, rngs=nnx.Rngs(0))))


def weights_of(state: nnx.State) -> dict[str, np.ndarray]:
    """Return the weights by name, `conv_1.kernel`; `restored` takes them back."""
    return {name: np.asarray(leaf) for name, leaf in named(state).items()}


def restored(shapes: nnx.State, weights: Mapping[str, np.ndarray]) -> nnx.State:
    """Return the state of a classifier, laid out like `shapes`, that holds these weights.

    Raises:
        InputError: if a weight is missing, is one too many, has another shape, or is not finite.
    """
    leaves = named(shapes)
    for name in [*leaves, *weights]:
        wanted = leaves[name].shape if name in leaves else None
        found = np.shape(weights[name]) if name in weights else None
        if wanted != found:
            raise InputError(
                f"weights: {name} has the shape {found}, and this classifier needs {wanted}; "
                "train it again for these images and classes"
            )
        if not np.isfinite(weights[name]).all():
            raise InputError(f"weights: {name} holds NaN or infinite values; train it again")
    typed = {name: jnp.asarray(weights[name], leaf.dtype) for name, leaf in leaves.items()}
    return from_named(shapes, typed)
