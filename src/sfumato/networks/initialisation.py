"""Fresh weights in one compiled program: a second, where flax's own way takes ten.

flax draws each weight by itself, which XLA compiles one by one, and counts a random key for each,
which takes most of the time of tracing. Here shapes come from a network whose layers are all given
the same key (`skeleton`), and every kernel is cut from one long draw (`initialise`). The law is
flax's, except that embeddings are truncated too: kernels and embeddings are truncated normal with
variance 1 / fan-in (LeCun et al. 1998, "Efficient BackProp"), biases 0, scales 1. A parameter that
begins differently says so itself, by its metadata `initial`, a jax initialiser:
`nnx.Linear(..., kernel_metadata={"initial": zeros})`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any

import jax
from flax import nnx
from jax.nn.initializers import ones, zeros

from sfumato.compute.modes import in_own_modes
from sfumato.compute.randomness import as_threefry
from sfumato.networks import network_class
from sfumato.networks.base import Network
from sfumato.networks.base_config import NetworkConfig
from sfumato.networks.naming import from_named, named

TRUNCATED_NORMAL_STD = 0.87962566103423978  # of a standard normal cut at -2 and 2

Initial = int | Callable[[jax.Array, tuple[int, ...], Any], jax.Array]
"""How a parameter begins: the fan-in of one that is cut from the draw, or an initialiser."""


@in_own_modes
def skeleton(config: NetworkConfig, dtype: jax.typing.DTypeLike | None = None) -> Network:
    """Return the network with shapes in place of weights.

    Args:
        config: size and shape; its `architecture` says which network.
        dtype: in which the layers compute; see `Network`.
    """
    make = network_class(config.architecture)
    return nnx.eval_shape(lambda: make(config, rngs=_OneKey(), dtype=dtype))


@in_own_modes
def initialise(config: NetworkConfig, key: jax.Array) -> Network:
    """Return the network with fresh weights, which depend on the config and the key alone."""
    network = skeleton(config)
    graphdef, shapes = nnx.split(network)
    draw = partial(_draw, named(shapes), _initials(network))
    return nnx.merge(graphdef, from_named(shapes, jax.jit(draw)(as_threefry(key))))


class _OneKey(nnx.Rngs):
    """Gives every layer the same key: counting keys would take flax most of the time."""

    def __init__(self) -> None:
        self.params = _OneKeyStream(0, tag="params")


class _OneKeyStream(nnx.RngStream):
    def __call__(self) -> jax.Array:
        return self.key[...]


def _draw(
    shapes: Mapping[str, jax.ShapeDtypeStruct], initials: Mapping[str, Initial], key: jax.Array
) -> dict[str, jax.Array]:
    """Fill the parameters; those with a fan-in are parts of one draw, in the order of `shapes`."""
    total = sum(leaf.size for name, leaf in shapes.items() if isinstance(initials[name], int))
    pool = jax.random.truncated_normal(key, -2, 2, (total,)) / TRUNCATED_NORMAL_STD
    filled, used = {}, 0
    for place, (name, leaf) in enumerate(shapes.items()):
        initial = initials[name]
        if isinstance(initial, int):
            part = pool[used : used + leaf.size].reshape(leaf.shape)
            filled[name] = part * initial**-0.5
            used += leaf.size
        else:
            filled[name] = initial(jax.random.fold_in(key, place), leaf.shape, leaf.dtype)
    return filled


def _initials(network: Network) -> dict[str, Initial]:
    """Return how each parameter begins, by name."""
    return {
        ".".join(map(str, (*path, name))): _initial(module, name, parameter)
        for path, module in nnx.iter_modules(network)
        for name, parameter in vars(module).items()
        if isinstance(parameter, nnx.Param)
    }


def _initial(module: nnx.Module, name: str, parameter: nnx.Param) -> Initial:
    """Return how a parameter begins, by its own word or else by its layer."""
    own, shape = parameter.get_metadata().get("initial"), parameter.shape
    match module, name:
        case _ if own is not None:
            return own
        case (nnx.Linear() | nnx.Conv(), "kernel"):
            return prod(shape[:-1])
        case (nnx.Embed(), "embedding"):
            return shape[-1]
        case (_, "bias"):
            return zeros
        case (nnx.GroupNorm() | nnx.LayerNorm() | nnx.RMSNorm(), "scale"):
            return ones
    raise TypeError(
        f"{type(module).__name__}.{name}: no rule says how it begins; give it the metadata "
        "`initial`, a function of key, shape and dtype"
    )
