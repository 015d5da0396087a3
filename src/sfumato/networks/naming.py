"""Names of parameters: `down.0.0.conv_1.kernel` is the place of one in its network."""

from collections.abc import Mapping
from typing import Any

import jax
from flax import nnx


def named(state: nnx.State) -> dict[str, Any]:
    """Return the leaves of a state by name, in the order in which jax visits them."""
    leaves = jax.tree_util.tree_leaves_with_path(state)
    return {_name(path): leaf for path, leaf in leaves}


def from_named(shapes: nnx.State, leaves: Mapping[str, Any]) -> nnx.State:
    """Return a state laid out like `shapes` that holds these leaves: `named` undone."""
    return jax.tree_util.tree_map_with_path(lambda path, _: leaves[_name(path)], shapes)


def _name(path: tuple[Any, ...]) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".").removesuffix(".value")
