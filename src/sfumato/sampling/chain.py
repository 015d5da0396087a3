"""The algorithm: from a start, step by step, to the end.

x_{t_0} is given; x_{t_{i+1}} = step(x_{t_i}),   i = 0 .. N - 1

over N + 1 times, the end among them: falling to -1, the data, or rising from it. All of it is
plain arrays and one loop; devices, files and numbers of samples are decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sfumato.compute.arguments import is_whole, numbers, of_kind
from sfumato.compute.modes import in_own_modes
from sfumato.compute.randomness import keys_at
from sfumato.diffusion.prediction import Denoise, Given, Prediction, as_pytree, check_prediction
from sfumato.diffusion.schedule import Schedule
from sfumato.errors import InputError
from sfumato.samplers.base import Sampler, Step


class Chain(NamedTuple):
    """What does not change along a chain; a pytree.

    Attributes:
        denoise: (x_t, t, given) -> Prediction; a pytree.
        schedule: the noise schedule.
        times: (N + 1,), the times visited; more may follow.
        slots: (N,), the place that the snapshot of the state at each time takes.
        keys: (B,), each sample's key.
        given: what is known of each sample.
    """

    denoise: Denoise
    schedule: Schedule
    times: jax.typing.ArrayLike
    slots: jax.typing.ArrayLike
    keys: jax.Array
    given: Given


class State(NamedTuple):
    """What the loop carries.

    Attributes:
        x: (B, ...), the state of each sample.
        memory: what the sampler tells its next step.
        snapshots: (K + 1, B, ...), the states that were asked for, so far; the last place takes
            those that were not.
        predicted_x_0: (K + 1, B, ...), the prediction of x_0 from each of them.
    """

    x: jax.Array
    memory: Any
    snapshots: jax.Array
    predicted_x_0: jax.Array


def begin(sampler: Sampler, x: jax.Array, given: Given, n_snapshots: int = 0) -> State:
    """Return the state before the first step: x (B, ...), and room for snapshots of later ones."""
    room = jnp.zeros((n_snapshots + 1, *x.shape), x.dtype)
    return State(x, sampler.init(x, given), room, room)


def advance(
    sampler: Sampler,
    chain: Chain,
    state: State,
    first: jax.typing.ArrayLike,
    last: jax.typing.ArrayLike,
) -> State:
    """Take the steps first .. last - 1 of a chain. One program serves any of them."""
    times, slots = jnp.asarray(chain.times), jnp.asarray(chain.slots)

    def denoise(x_t: jax.Array, t: jax.typing.ArrayLike) -> Prediction:
        said = check_prediction(chain.denoise(x_t, t, chain.given), x_t)
        return Prediction(said.x_0.astype(x_t.dtype), said.eps.astype(x_t.dtype))

    def body(i: jax.Array, state: State) -> State:
        t, s, keys = times[i], times[i + 1], keys_at(chain.keys, times[i])
        step = sampler.step(denoise, chain.schedule, state.x, t, s, keys, state.memory)
        of_kind(f"{type(sampler).__name__}.step", step, Step, "Step(x, prediction, memory)")
        return State(
            step.x,
            step.memory,
            state.snapshots.at[slots[i]].set(state.x),
            state.predicted_x_0.at[slots[i]].set(step.prediction.x_0),
        )

    return jax.lax.fori_loop(first, last, body, state)


@in_own_modes
def run_chain(
    denoise: Denoise,
    schedule: Schedule,
    sampler: Sampler,
    *,
    times: Sequence[int],
    keys: jax.Array,
    x: jax.Array,
    given: Given | None = None,
    snapshots: Sequence[int] = (),
) -> State:
    """Take x (B, ...) along the times (N + 1,); keys (B,). See Chain and State.

    Snapshots are of the numbers of steps taken, rising, from 0 to N - 1.

    Raises:
        InputError: if the times neither fall nor rise or leave -1 .. T - 1, or the snapshots do not
            rise or are of other steps.
    """
    along = visited(times, schedule.noise_steps)
    steps, given, sampler = len(along) - 1, given or {}, sampler.along(along.tolist())
    x = jnp.asarray(x, jnp.float32)
    layout = lay_out(along, rising(snapshots, steps - 1), steps)
    chain = Chain(as_pytree(denoise), schedule, *layout, keys, given)
    return advance(sampler, chain, begin(sampler, x, given, len(snapshots)), 0, steps)


def visited(times: Sequence[int] | np.ndarray, noise_steps: int, *end: int) -> np.ndarray:
    """Return the times of a chain (N + 1,) int32, of whole numbers of any type.

    Args:
        times: (N + 1,), or (N,) before the end.
        noise_steps: T.
        end: the last time, if it is not among them.

    Raises:
        InputError: if they neither fall nor rise, or leave -1 .. T - 1.
    """
    given = numbers("timesteps", times)
    if given.ndim != 1 or (given != np.floor(given)).any():
        raise InputError(f"timesteps: {times} must be whole numbers, one after another")
    given = np.append(given, end) if end else given
    steps, last = np.diff(given), given[-1] if given.size else "which is missing"
    one_way = given.size > len(end) and ((steps < 0).all() or (steps > 0).all())
    if not one_way or given.max() >= noise_steps or given.min() < -1:
        raise InputError(
            f"timesteps: {given[:-1]} must fall, or rise, to the end of the chain, {last}, "
            f"and lie between {noise_steps - 1} and -1"
        )
    return given.astype(np.int32)


def rising(snapshots: Sequence[int], most: int) -> Sequence[int]:
    """Return numbers of steps; an InputError unless they rise, and lie between 0 and `most`."""
    if isinstance(snapshots, str) or not all(map(is_whole, snapshots)):
        raise InputError(f"snapshots: {snapshots!r} must be whole numbers of steps")
    if any(after <= before for before, after in pairwise([-1, *snapshots, most + 1])):
        raise InputError(f"snapshots: {snapshots} must rise, and lie between 0 and {most}")
    return snapshots


def lay_out(
    times: Sequence[int] | np.ndarray, snapshots: Sequence[int], places: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return `times` and `slots` of a chain, padded to `places` steps.

    A program that is compiled for the places serves any chain that fits into them.
    """
    filled = np.full(places + 1, -1, np.int32)
    filled[: len(times)] = times
    slots = np.full(places + 1, len(snapshots), np.int32)
    slots[list(snapshots)] = np.arange(len(snapshots))
    return filled, slots
