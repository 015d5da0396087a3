"""The one loop that runs any sampler.

A chain is a list of times t_1 > t_2 > ... > t_N and ends at the data, s = -1. The loop is compiled
once and then run in pieces of any length, so that progress can be shown between them. Samples go
through it in micro-batches of a fixed size, one on each device at a time: memory does not grow
with their number, and sample i has the same bytes alone or among thousands, on one device or many.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from sfumato.compute.compilation import compiled
from sfumato.compute.randomness import keys_at, sample_keys
from sfumato.diffusion.forward import denoised
from sfumato.diffusion.schedule import Schedule
from sfumato.errors import InputError
from sfumato.networks.denoiser import Predict, ask
from sfumato.samplers.base import Sampler

STEPS_PER_UPDATE = 25
SAMPLES = "samples"  # the axis along which devices share the work


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


SPLIT = State._make([P(SAMPLES), P(None, SAMPLES), P(None, SAMPLES)])
"""Which axis of each part of the state goes over the devices."""


class Chain(NamedTuple):
    """The steps, (T,) each: from time t to time s, the state before it put into `slot`."""

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
    n_samples: int,
    **options: Any,  # noqa: ANN401 (those of sample_batches)
) -> Samples:
    """Draw samples 0 .. n_samples - 1 with `sample_batches`, and join them."""
    if n_samples < 1:
        raise InputError(f"n_samples: {n_samples} must be at least 1")
    return join(sample_batches(predict, schedule, sampler, indices=range(n_samples), **options))


def sample_batches(
    predict: Predict,
    schedule: Schedule,
    sampler: Sampler,
    *,
    timesteps: np.ndarray,
    key: jax.Array,
    indices: range,
    image_shape: tuple[int, ...],
    micro_batch: int = 8,
    snapshots: Sequence[int] = (),
    progress: Callable[[int], object] = lambda evaluations: None,
) -> Iterator[Samples]:
    """Draw samples, each from its own key, as many at a time as the devices take at once.

    Args:
        predict: the noise in x_t: (x_t (B, ...), t (B,)) -> eps (B, ...).
        schedule: the noise schedule.
        sampler: the step rule.
        timesteps: (N,), falling, each in 0 .. T - 1; see `spaced_timesteps`.
        key: the stage's key; sample i draws from fold_in(fold_in(key, i), t).
        indices: which samples, one after another.
        image_shape: shape of one sample.
        micro_batch: how many samples go through the network at once, on each of the local devices.
            The last batch is filled up, since XLA may sum in another order for another batch size.
        snapshots: numbers of steps taken, rising, 0 .. N, at which the state is kept: 0 is x_T,
            N the finished image.
        progress: called with the number of evaluations since its last call, steps times samples.

    Raises:
        InputError: inside jit; if a number is too small, if the timesteps do not fall from T - 1 to
            0 at most, or if there are no indices, or not one after another.
    """
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((key, predict))):
        raise InputError("sample: it compiles its loop itself; call it outside jit")
    if not indices or indices.step != 1:
        raise InputError(f"indices: {indices} must be one number after another, and one at least")
    _check(micro_batch, np.asarray(timesteps), schedule.noise_steps, snapshots)
    if not isinstance(predict, jax.tree_util.Partial) and jax.tree_util.all_leaves([predict]):
        predict = jax.tree_util.Partial(predict)
    mesh = Mesh(jax.local_devices()[: -(-len(indices) // micro_batch)], (SAMPLES,))
    chain = _chain(timesteps, snapshots, schedule.noise_steps)
    key, *everywhere = jax.device_put((key, predict, schedule, chain), NamedSharding(mesh, P()))
    at_once = micro_batch * mesh.size
    for first in range(indices.start, indices.stop, at_once):
        clock = perf_counter()
        among = np.arange(first, first + at_once)
        kept = len(snapshots)
        keys, state = _start(mesh, image_shape, kept, schedule.noise_steps, key, among)
        advance = partial(_advance, mesh, sampler, *everywhere, keys)
        state = jax.block_until_ready(advance(state, 0, 0))  # no step: only compiles
        compiled = perf_counter()
        n_samples = min(at_once, indices.stop - first)
        for start, stop in _pieces(len(timesteps)):
            state = jax.block_until_ready(advance(state, start, stop))
            progress((stop - start) * n_samples)
        host = State(*jax.device_get((state.x, state.snapshots[:-1], state.predicted_x_0[:-1])))
        seconds = {"compile": compiled - clock, "run": perf_counter() - compiled}
        yield _finished(host, n_samples, timesteps, snapshots, seconds)


def join(batches: Iterable[Samples]) -> Samples:
    """Put batches of one chain together, their seconds added up."""
    parts = list(batches)
    return Samples(
        np.concatenate([part.images for part in parts]),
        parts[0].timesteps,
        np.concatenate([part.snapshots for part in parts], axis=1),
        np.concatenate([part.predicted_x_0 for part in parts], axis=1),
        parts[0].snapshot_timesteps,
        {name: sum(part.seconds[name] for part in parts) for name in parts[0].seconds},
    )


def evenly_spaced(steps: int, count: int) -> tuple[int, ...]:
    """Choose `count` numbers of steps taken, 0 to `steps`, at equal distances; one: the last."""
    first = 0 if count > 1 else steps
    return tuple(int(position) for position in np.linspace(first, steps, count).round())


def _check(
    micro_batch: int, timesteps: np.ndarray, noise_steps: int, snapshots: Sequence[int]
) -> None:
    if micro_batch < 1:
        raise InputError(f"micro_batch: {micro_batch} must be at least 1")
    inside = timesteps.size and timesteps[0] < noise_steps and timesteps[-1] >= 0
    if not inside or (np.diff(timesteps) >= 0).any():
        raise InputError(f"timesteps: {timesteps} must fall, and lie from {noise_steps - 1} to 0")
    bounds = [-1, *snapshots, len(timesteps) + 1]
    if any(after <= before for before, after in pairwise(bounds)):
        raise InputError(f"snapshots: {snapshots} must rise, and lie from 0 to {len(timesteps)}")


@partial(compiled, static_argnums=(0, 1, 2, 3))
def _start(
    mesh: Mesh,
    image_shape: tuple[int, ...],
    n_snapshots: int,
    noise_steps: int,
    key: jax.Array,
    indices: jax.Array,
) -> tuple[jax.Array, State]:
    """Return the keys of the samples `indices`, and their x_T."""

    def on_device(key: jax.Array, indices: jax.Array) -> tuple[jax.Array, State]:
        keys = sample_keys(key, indices)
        draw = partial(jax.random.normal, shape=image_shape, dtype=jnp.float32)
        x = jax.vmap(draw)(keys_at(keys, noise_steps))
        kept = jnp.repeat(jnp.zeros_like(x)[None], n_snapshots + 1, axis=0)
        return keys, State(x, kept, kept)

    specs = (P(), P(SAMPLES))
    return jax.shard_map(on_device, mesh=mesh, in_specs=specs, out_specs=(P(SAMPLES), SPLIT))(
        key, indices
    )


@partial(compiled, static_argnums=(0, 1))
def _advance(mesh: Mesh, sampler: Sampler, *arguments: Any) -> State:  # noqa: ANN401
    """Take some steps, each device on a micro-batch of its own, as if it were alone."""
    specs = (P(), P(), P(), P(SAMPLES), SPLIT, P(), P())
    steps = partial(_take_steps, sampler)
    return jax.shard_map(steps, mesh=mesh, in_specs=specs, out_specs=SPLIT)(*arguments)


def _take_steps(
    sampler: Sampler,
    predict: Predict,
    schedule: Schedule,
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
        eps, known = ask(predict, state.x, jnp.broadcast_to(t, state.x.shape[:1]))
        x_0, _ = denoised(schedule, state.x, eps, t, sampler.clip, **known)
        return State(
            step(schedule, state.x, eps, t, s, keys_at(keys, t), **known),
            state.snapshots.at[slot].set(state.x),
            state.predicted_x_0.at[slot].set(x_0),
        )

    return jax.lax.fori_loop(start, stop, body, state)


def _chain(timesteps: np.ndarray, snapshots: Sequence[int], noise_steps: int) -> Chain:
    """Lay out the steps: each goes to the next time, the last one to the data, -1.

    Places up to the longest chain, T, are filled: one program serves any number of steps.
    """
    t = np.full(noise_steps + 1, -1, np.int32)
    t[: len(timesteps)] = timesteps
    slot = np.full(noise_steps + 1, len(snapshots), np.int32)
    slot[list(snapshots)] = np.arange(len(snapshots))
    return Chain(*map(jnp.asarray, (t[:-1], t[1:], slot[:-1])))


def _pieces(steps: int) -> list[tuple[int, int]]:
    """Cut 0 .. steps into pieces of nearly equal length, at most STEPS_PER_UPDATE."""
    pieces = -(-steps // STEPS_PER_UPDATE)
    return [(steps * i // pieces, steps * (i + 1) // pieces) for i in range(pieces)]


def _finished(
    state: State,
    n_samples: int,
    timesteps: np.ndarray,
    snapshots: Sequence[int],
    seconds: dict[str, float],
) -> Samples:
    """Return what the loop carried, without what filled up the batch."""
    images = np.asarray(state.x)[:n_samples]
    kept, predicted = (
        np.array(array)[:, :n_samples] for array in (state.snapshots, state.predicted_x_0)
    )
    if len(timesteps) in snapshots:  # the finished image is its own prediction
        kept[-1] = predicted[-1] = images
    times = np.append(timesteps, -1)[list(snapshots)].astype(np.int32)
    return Samples(images, np.asarray(timesteps, np.int32), kept, predicted, times, seconds)
