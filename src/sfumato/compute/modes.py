"""The library computes in float32 and in jax's own modes, whatever the process around it chose.

A notebook may have turned on 64 bits, or one of jax's strict modes. That is its user's choice and
stays: these modes are set around a call of the library, in its thread, and put back after it.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any, TypeVar, cast

import jax
import numpy as np

from sfumato.compute.randomness import as_threefry

MODES = {
    "enable_x64": False,
    "numpy_dtype_promotion": "standard",
    "numpy_rank_promotion": "allow",
    "threefry_partitionable": True,
    "debug_infs": False,
    "debug_key_reuse": False,
    "transfer_guard_host_to_device": "allow",
    "transfer_guard_device_to_host": "allow",
    "transfer_guard_device_to_device": "allow",
}
"""What jax is told, by the names of its context managers.

Not 64 bits, in which every weight would be another. Not strict promotion, which flax and optax do
not pass either. Not an alarm for infinities and for keys used twice: lambda is infinite at the
data, and one key serves all samples by design. Not a guard of transfers, which flax makes too.
"""

NO_MESH = jax.sharding.Mesh(np.empty((), object), ())
"""In place of a mesh that the caller has set: the library shares its work among devices itself."""

Function = TypeVar("Function", bound=Callable[..., Any])


@contextmanager
def own_modes() -> Iterator[None]:
    """Set MODES, those that differ, until the end of a `with` block."""
    with ExitStack() as stack:
        for name, mode in MODES.items():
            if getattr(jax.config, f"jax_{name}") not in (mode, None):
                stack.enter_context(getattr(jax, name)(mode))
        if not jax.sharding.get_abstract_mesh().empty:
            with suppress(ValueError):  # while jax traces, what it shares is no longer chosen
                stack.enter_context(jax.set_mesh(NO_MESH))
        yield


def in_own_modes(function: Function) -> Function:
    """Make a function, or each step of a generator, run in `own_modes`.

    Its argument `key`, if it has one and is called by name, becomes a key of threefry.
    """

    @wraps(function)
    def step_by_step(*arguments: Any, **named: Any) -> Generator[Any]:  # noqa: ANN401
        with own_modes():
            steps = function(*arguments, **_with_own_key(named))
        while True:
            with own_modes():  # and not around the `yield`, where the caller's code runs
                try:
                    step = next(steps)
                except StopIteration:
                    return
            yield step

    @wraps(function)
    def at_once(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        with own_modes():
            return function(*arguments, **_with_own_key(named))

    return cast(Function, step_by_step if isgeneratorfunction(function) else at_once)


def _with_own_key(named: dict[str, Any]) -> dict[str, Any]:
    key = named.get("key")
    return named | {"key": as_threefry(key)} if isinstance(key, jax.Array) else named
