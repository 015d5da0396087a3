"""The one loop that runs any sampler.

A chain is a list of times t_1 > t_2 > ... > t_N and ends at the data, s = -1. The loop is compiled
once and then run in pieces of any length, so that progress can be shown between them. Samples go
through it in micro-batches of a fixed size: the device's memory does not grow with their number,
the host keeps the images alone, and sample i has the same bytes alone or among thousands.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sfumato.diffusion import denoised
from sfumato.errors import InputError
from sfumato.randomness import keys_at, sample_keys
from sfumato.samplers.base import Sampler
from sfumato.schedule import Schedule

Predict = Callable[[jax.Array, jax.Array], jax.Array]
"""(x_t (B, ...), t (B,)) -> eps (B, ...). A pytree, or any function."""

STEPS_PER_UPDATE = 25


class State(NamedTuple):
    """What the loop carries.

    Attributes:
        x: (B, ...), the state of each sample.
        snapshots: (K + 1, B, ...), the states that were asked for, so far; the last place takes
            those that were not.
        predicted_x_0: (K + 1, B, ...), the prediction of x_0 from each of them.
    """

    x: jax.Array
    snapshots: jax.Array
    predicted_x_0: jax.Array


class Chain(NamedTuple):
    """The steps, (N,) each: from time t to time s, the state before it put into `slot`."""

    t: jax.Array
    s: jax.Array
    slot: jax.Array


@dataclass(frozen=True)
class Samples:
    """What `sample` returns, on the host.

    Attributes:
        images: (n_samples, H, W, C) float32, in [-1, 1] where the sampler clips.
        timesteps: (N,), the times visited; N is the number of network evaluations (NFE).
        snapshots: (K, n_samples, H, W, C), the states x_t that were asked for.
        predicted_x_0: (K, n_samples, H, W, C), the prediction of x_0 from each of them.
        snapshot_timesteps: (K,), the time t of each; -1 is the data.
        seconds: time spent to `compile` the loop and to `run` it.
    """

    images: np.ndarray
    timesteps: np.ndarray
    snapshots: np.ndarray
    predicted_x_0: np.ndarray
    snapshot_timesteps: np.ndarray
    seconds: dict[str, float]


def sample(
    predict: Predict,
    schedule: Schedule,
    sampler: Sampler,
    *,
    timesteps: np.ndarray,
    key: jax.Array,
    n_samples: int,
    image_shape: tuple[int, ...],
    micro_batch: int = 8,
    snapshots: Sequence[int] = (),
    progress: Callable[[int], object] = lambda steps: None,
) -> Samples:
    """Draw samples 0 .. n_samples - 1, each from its own key.

    Args:
        predict: the noise in x_t: (x_t (B, ...), t (B,)) -> eps (B, ...).
        schedule: the noise schedule.
        sampler: the step rule.
        timesteps: (N,), falling, each in 0 .. T - 1; see `spaced_timesteps`.
        key: the stage's key; sample i draws from fold_in(fold_in(key, i), t).
        n_samples: how many samples, at least 1.
        image_shape: shape of one sample.
        micro_batch: how many samples go through the network at once. The last batch is filled
            up, since XLA may sum in another order for another batch size.
        snapshots: numbers of steps taken, rising, 0 .. N, at which the state is kept: 0 is x_T,
            N the finished image.
        progress: called with the number of steps taken since its last call.

    Raises:
        InputError: if a number is too small, or the timesteps do not fall from T - 1 to 0 at most.
    """
    _check(n_samples, micro_batch, np.asarray(timesteps), schedule.noise_steps, snapshots)
    if not isinstance(predict, jax.tree_util.Partial) and jax.tree_util.all_leaves([predict]):
        predict = jax.tree_util.Partial(predict)
    chain = _chain(timesteps, snapshots)
    seconds = {"compile": 0.0, "run": 0.0}
    batches = []
    for first in range(0, n_samples, micro_batch):
        clock = perf_counter()
        keys, state = _start(
            key, jnp.arange(first, first + micro_batch), schedule, image_shape, len(snapshots)
        )
        advance = partial(_advance, predict, schedule, sampler, chain, keys)
        state = jax.block_until_ready(advance(state, 0, 0))  # no step: only compiles
        seconds["compile"] += perf_counter() - clock
        clock = perf_counter()
        for start, stop in _pieces(len(timesteps)):
            state = jax.block_until_ready(advance(state, start, stop))
            progress(stop - start)
        batches.append(jax.device_get((state.x, state.snapshots[:-1], state.predicted_x_0[:-1])))
        seconds["run"] += perf_counter() - clock
    return _collect(batches, timesteps, snapshots, n_samples, seconds)


def evenly_spaced(steps: int, count: int) -> tuple[int, ...]:
    """Choose `count` numbers of steps taken, 0 to `steps`, at equal distances; one: the last."""
    first = 0 if count > 1 else steps
    return tuple(int(position) for position in np.linspace(first, steps, count).round())


def _check(
    n_samples: int,
    micro_batch: int,
    timesteps: np.ndarray,
    noise_steps: int,
    snapshots: Sequence[int],
) -> None:
    for name, value in (("n_samples", n_samples), ("micro_batch", micro_batch)):
        if value < 1:
            raise InputError(f"{name}: {value} must be at least 1")
    inside = timesteps.size and timesteps[0] < noise_steps and timesteps[-1] >= 0
    if not inside or (np.diff(timesteps) >= 0).any():
        raise InputError(f"timesteps: {timesteps} must fall, and lie from {noise_steps - 1} to 0")
    bounds = [-1, *snapshots, len(timesteps) + 1]
    if any(after <= before for before, after in pairwise(bounds)):
        raise InputError(f"snapshots: {snapshots} must rise, and lie from 0 to {len(timesteps)}")


@partial(jax.jit, static_argnames=("image_shape", "n_snapshots"))
def _start(
    key: jax.Array,
    indices: jax.Array,
    schedule: Schedule,
    image_shape: tuple[int, ...],
    n_snapshots: int,
) -> tuple[jax.Array, State]:
    """Return the keys of the samples `indices`, and their x_T."""
    keys = sample_keys(key, indices)
    draw = partial(jax.random.normal, shape=image_shape, dtype=jnp.float32)
    x = jax.vmap(draw)(keys_at(keys, schedule.noise_steps))
    kept = jnp.zeros((n_snapshots + 1, *x.shape), x.dtype)
    return keys, State(x, kept, kept)


@partial(jax.jit, static_argnames="sampler")
def _advance(
    predict: Predict,
    schedule: Schedule,
    sampler: Sampler,
    chain: Chain,
    keys: jax.Array,
    state: State,
    start: int,
    stop: int,
) -> State:
    """Take the steps start .. stop - 1 of the chain. One program serves every start and stop."""
    step = jax.vmap(sampler.step, in_axes=(None, 0, 0, None, None, 0))

    def body(i: jax.Array, state: State) -> State:
        t, s, slot = chain.t[i], chain.s[i], chain.slot[i]
        eps = predict(state.x, jnp.broadcast_to(t, state.x.shape[:1]))
        x_0, _ = denoised(schedule, state.x, eps, t, sampler.clip)
        return State(
            step(schedule, state.x, eps, t, s, keys_at(keys, t)),
            state.snapshots.at[slot].set(state.x),
            state.predicted_x_0.at[slot].set(x_0),
        )

    return jax.lax.fori_loop(start, stop, body, state)


def _chain(timesteps: np.ndarray, snapshots: Sequence[int]) -> Chain:
    """Lay out the steps: each goes to the next time, the last one to the data, -1."""
    slot = np.full(len(timesteps) + 1, len(snapshots), np.int32)
    slot[list(snapshots)] = np.arange(len(snapshots))
    t = np.asarray(timesteps, np.int32)
    return Chain(jnp.asarray(t), jnp.asarray(np.append(t[1:], -1)), jnp.asarray(slot[:-1]))


def _pieces(steps: int) -> list[tuple[int, int]]:
    """Cut 0 .. steps into pieces of nearly equal length, at most STEPS_PER_UPDATE."""
    pieces = -(-steps // STEPS_PER_UPDATE)
    return [(steps * i // pieces, steps * (i + 1) // pieces) for i in range(pieces)]


def _collect(
    batches: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    timesteps: np.ndarray,
    snapshots: Sequence[int],
    n_samples: int,
    seconds: dict[str, float],
) -> Samples:
    """Join the micro-batches, without what filled up the last one."""
    xs, states, predictions = zip(*batches, strict=True)
    images = np.concatenate(xs)[:n_samples]
    kept = np.concatenate(states, axis=1)[:, :n_samples]
    predicted = np.concatenate(predictions, axis=1)[:, :n_samples]
    if len(timesteps) in snapshots:  # the finished image is its own prediction
        kept[-1] = predicted[-1] = images
    times = np.append(timesteps, -1)[list(snapshots)].astype(np.int32)
    return Samples(images, np.asarray(timesteps, np.int32), kept, predicted, times, seconds)
