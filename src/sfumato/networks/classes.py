"""A trained network for other classes than it has learnt, from which training goes on."""

from collections.abc import Mapping

import jax
import numpy as np
from flax import nnx

from sfumato.errors import InputError
from sfumato.networks.base import Network
from sfumato.networks.base_config import NetworkConfig
from sfumato.networks.initialisation import skeleton
from sfumato.networks.naming import from_named, named

_TABLE, _BIAS = "embed.labels.embedding", "embed.dense_2.bias"


def with_classes(network: Network, config: NetworkConfig) -> Network:
    """Return the network of `config` with the weights of one that may know other classes.

    Where the number of classes differs, the new one predicts, for each of its classes and for none,
    what the given one predicts without a class. So nothing is lost of p(x), from which it learns
    p(x | class).

    Args:
        network: with trained weights.
        config: the same settings, but for `num_classes` and those without weights, like `dropout`.

    Raises:
        InputError: if the number of classes differs, and something else than the network's `embed`
            depends on it.
    """
    weights = named(nnx.state(network, nnx.Param))
    graphdef, shapes = nnx.split(skeleton(config))
    if network.config.num_classes != config.num_classes:
        weights = _each_class_as_none(weights, config.num_classes)
        needed = {name: leaf.shape for name, leaf in named(shapes).items()}
        if {name: leaf.shape for name, leaf in weights.items()} != needed:
            raise InputError(
                f"model.num_classes: {config.architecture} has other weights for classes than those"
                " of its `embed`, so its number of classes cannot change; keep "
                f"{network.config.num_classes}"
            )
    return nnx.merge(graphdef, from_named(shapes, jax.device_put(dict(weights))))


def _each_class_as_none(
    weights: Mapping[str, jax.Array], num_classes: int
) -> Mapping[str, jax.Array | np.ndarray]:
    """Make every row of the table of classes that of the null class, the last.

    Where there will be no table, the row becomes a part of the bias to which it was added.
    """
    if _BIAS not in weights:
        return weights
    found = {name: np.asarray(leaf) for name, leaf in weights.items()}
    null = found.pop(_TABLE)[-1] if _TABLE in found else np.zeros_like(found[_BIAS])
    if num_classes:
        found[_TABLE] = np.tile(null, (num_classes + 1, 1))
    else:
        found[_BIAS] = found[_BIAS] + null
    return found
