"""Many samples: the chain in micro-batches.

Samples go through the chain in micro-batches of a fixed size, one on each device at a time: memory
does not grow with their number, and sample i has the same bytes alone or among thousands, on one
device or many. The loop is compiled once and then run in pieces of any length, so that progress
can be shown between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from sfumato.compute.arguments import numbers, of_kind, whole
from sfumato.compute.knobs import split
from sfumato.compute.modes import in_own_modes
from sfumato.diffusion.prediction import Denoise, Given, as_pytree, cost
from sfumato.diffusion.schedule import Schedule
from sfumato.errors import InputError
from sfumato.samplers.base import Sampler
from sfumato.sampling.chain import Chain, State, lay_out, rising, visited
from sfumato.sampling.devices import Program, advance, begin, mesh_for
from sfumato.sampling.samples import Samples, join

if TYPE_CHECKING:
    from sfumato.editing.base import Start

Array = jax.Array | np.ndarray
STEPS_PER_UPDATE = 25


def sample(
    denoise: Denoise,
    schedule: Schedule,
    sampler: Sampler,
    *,
    n_samples: int,
    **options: Any,  # noqa: ANN401 (those of sample_batches)
) -> Samples:
    """Draw samples 0 .. n_samples - 1, and join them; for the options see `sample_batches`."""
    n_samples = whole("n_samples", n_samples)
    return join(sample_batches(denoise, schedule, sampler, indices=range(n_samples), **options))


@in_own_modes
def sample_batches(
    denoise: Denoise,
    schedule: Schedule,
    sampler: Sampler,
    *,
    timesteps: Sequence[int] | np.ndarray,
    key: jax.Array,
    indices: range,
    image_shape: tuple[int, ...],
    end: int = -1,
    devices: int | None = None,
    micro_batch: int = 8,
    start: jax.Array | np.ndarray | Start | None = None,
    given: Given | None = None,
    snapshots: Sequence[int] = (),
    progress: Callable[[int], object] = lambda evaluations: None,
) -> Iterator[Samples]:
    """Draw samples, as many at a time as the devices take at once.

    Args:
        denoise: (x_t (B, ...), t, given) -> Prediction: a pytree, or a function.
        schedule: the noise schedule.
        sampler: the step rule.
        timesteps: (N,), the times from which a step is taken, falling or rising:
            `spaced_timesteps`.
        key: the stage's key; sample i draws from fold_in(fold_in(key, i), t).
        indices: which samples, one after another.
        image_shape: shape of one sample.
        end: the time at which the chain ends; -1 is the data.
        devices: how many local devices share the samples at most; None for all.
        micro_batch: how many samples go through the network at once on each local device; the last
            batch is filled up, since XLA may sum in another order for another batch size.
        start: (N samples, *image_shape), the states at the first time; left out, x_T is drawn at
            t = T; or a function that makes them of x_T, `editing.base.Start`.
        given: what is known of each sample, by name; each array has the samples first.
        snapshots: numbers of steps taken, rising, 0 .. N, at which the state is kept: 0 is the
            start, N the finished image.
        progress: called with the network evaluations since its last call, over all samples.

    Raises:
        InputError: if called inside jit, if a number is too small, if the times neither fall nor
            rise or leave -1 .. T - 1, if the sampler would ask the network at -1, if the indices
            are empty, not consecutive or outside 0 .. 2^32 - 1, or if `start` or `given` does not
            have one row of numbers for each sample.
    """
    start, make = (None, start) if callable(start) else (start, None)
    _check_kinds(sampler, schedule, key, denoise, start, given)
    _check_samples(indices, denoise, schedule)
    arrays = _arrays(len(indices), image_shape, start, given or {})
    micro_batch = whole("micro_batch", micro_batch)
    times = visited(timesteps, schedule.noise_steps, whole("end", end, -1))
    evaluations = _evaluations(denoise, sampler, times)
    method, knobs = split(sampler.along(times.tolist()))
    mesh = mesh_for(len(indices), micro_batch, devices)
    program = Program(mesh, method, tuple(image_shape), len(snapshots), make)
    layout = lay_out(times, rising(snapshots, len(times) - 1), schedule.noise_steps)
    everywhere = (key, knobs, as_pytree(denoise), schedule, layout)
    key, knobs, denoise, schedule, (padded, slots) = program.copy(everywhere)
    for batch in _cut(len(indices), micro_batch * mesh.size):
        clock = perf_counter()
        rows = np.minimum(batch, len(indices) - 1)
        x, known = program.split(jax.tree.map(lambda array: array[rows], arrays))  # noqa: B023
        here = indices.start + batch
        keys, state = begin(program, knobs, schedule, key, times[0], here, x, known)
        run = partial(advance, program, knobs, Chain(denoise, schedule, padded, slots, keys, known))
        n_samples = min(len(batch), len(indices) - int(batch[0]))
        state, seconds = _timed(run, state, evaluations, n_samples, clock, progress)
        yield _finished(state, n_samples, times, snapshots, seconds, sum(evaluations))


def _timed(
    run: Callable[[State, int, int], State],
    state: State,
    evaluations: Sequence[int],
    n_samples: int,
    clock: float,
    progress: Callable[[int], object],
) -> tuple[State, dict[str, float]]:
    """Compile the loop and run it in pieces; return the last state, on the host, and the seconds.

    `clock` is when the work on this batch began.
    """
    state = jax.block_until_ready(run(state, 0, 0))  # no step: only compiles
    compiled = perf_counter()
    for first, last in _pieces(len(evaluations)):
        state = jax.block_until_ready(run(state, first, last))
        progress(sum(evaluations[first:last]) * n_samples)
    host = jax.device_get(state._replace(memory=()))
    return host, {"compile": compiled - clock, "run": perf_counter() - compiled}


def nfe(denoise: Denoise, sampler: Sampler, times: Sequence[int] | np.ndarray) -> int:
    """Count the network evaluations of one sample along times (N + 1,), the end among them.

    Raises:
        InputError: if the sampler asks at a time below 0, which no network knows.
    """
    return sum(_evaluations(denoise, sampler, times))


def evenly_spaced(steps: int, count: int) -> tuple[int, ...]:
    """Choose `count` numbers of steps taken, 0 to `steps`, at equal distances; one: the last."""
    first = 0 if count > 1 else steps
    return tuple(int(position) for position in np.linspace(first, steps, count).round())


def _check_kinds(sampler: Sampler, schedule: Schedule, key: jax.Array, *arguments: Any) -> None:  # noqa: ANN401
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((key, arguments))):
        raise InputError("sample: it compiles its loop itself; call it outside jit")
    of_kind("sampler", sampler, Sampler, "DDIM()")
    of_kind("schedule", schedule, Schedule, "make_schedule(DiffusionConfig())")
    of_kind("key", key, jax.Array, "jax.random.key(0)")
    if jax.random.key_data(key).ndim != 1:
        raise InputError(f"key: must be one key, and not an array of shape {key.shape}")


def _check_samples(indices: range, denoise: Denoise, schedule: Schedule) -> None:
    of_kind("indices", indices, range, "range(8)")
    if not indices or indices.step != 1:
        raise InputError(f"indices: {indices} must be consecutive numbers, at least one")
    if indices.start < 0 or indices.stop > 2**32:
        raise InputError(f"indices: {indices} must be consecutive numbers, from 0 to 2^32 - 1")
    if not callable(denoise):
        raise InputError(f"denoise: {denoise!r} must be a function (x_t, t, given) -> Prediction")
    own = getattr(denoise, "schedule", None)
    if isinstance(own, Schedule) and own.noise_steps != schedule.noise_steps:
        raise InputError(
            f"schedule: has {schedule.noise_steps} noise steps, and that of the denoiser "
            f"{own.noise_steps}"
        )


def _arrays(
    n_samples: int,
    image_shape: tuple[int, ...],
    start: jax.Array | np.ndarray | None,
    given: Mapping[str, Any],
) -> tuple[Array | None, dict[str, Array]]:
    """Return the start and what is given as arrays, with the samples first."""
    of_kind("image_shape", image_shape, Sequence, "(28, 28, 1)")
    image_shape = tuple(whole(f"image_shape[{i}]", size) for i, size in enumerate(image_shape))
    of_kind("given", given, Mapping, "{'labels': array}")
    if start is not None:
        start = _array("start", start)
        if start.shape != (n_samples, *image_shape):
            raise InputError(f"start: its shape {start.shape} must be {(n_samples, *image_shape)}")
        if not jnp.isfinite(start).all():
            raise InputError("start: holds NaN or infinities")
    known = {name: _array(f"given[{name!r}]", each) for name, each in given.items()}
    for name, each in known.items():
        if each.shape[:1] != (n_samples,):
            raise InputError(
                f"given[{name!r}]: its shape {each.shape} must begin with {n_samples}, the "
                "number of samples"
            )
    return start, known


def _array(name: str, values: Any) -> Array:  # noqa: ANN401
    if isinstance(values, jax.Array) and not jnp.issubdtype(values.dtype, jnp.complexfloating):
        return values
    return numbers(name, values)


def _evaluations(
    denoise: Denoise, sampler: Sampler, times: Sequence[int] | np.ndarray
) -> list[int]:
    """Count the network evaluations of each step of one sample."""
    steps = [sampler.asks(int(t), int(s)) for t, s in pairwise(times)]
    if any(t < 0 for asked in steps for t in asked):
        raise InputError(
            f"{type(sampler).__name__}: from time {times[0]} to {times[-1]} it asks at -1, the "
            "data, which no network knows"
        )
    return [sum(cost(denoise, t) for t in asked) for asked in steps]


def _cut(count: int, at_once: int) -> Iterator[np.ndarray]:
    """Cut 0 .. count - 1 into batches; the last one extends beyond the end."""
    for first in range(0, count, at_once):
        yield np.arange(first, first + at_once)


def _pieces(steps: int) -> list[tuple[int, int]]:
    """Cut 0 .. steps into pieces of nearly equal length, at most STEPS_PER_UPDATE."""
    pieces = -(-steps // STEPS_PER_UPDATE)
    return [(steps * i // pieces, steps * (i + 1) // pieces) for i in range(pieces)]


def _finished(
    state: State,
    n_samples: int,
    times: np.ndarray,
    positions: Sequence[int],
    seconds: dict[str, float],
    nfe: int,
) -> Samples:
    """Return what the loop carried, without what pads the batch."""
    images = np.asarray(state.x)[:n_samples]
    kept, predicted = (
        np.array(array[:-1, :n_samples]) for array in (state.snapshots, state.predicted_x_0)
    )
    if len(times) - 1 in positions:
        kept[-1] = images
        predicted[-1] = images if times[-1] == -1 else np.nan  # the data is its own prediction
    return Samples(images, times[:-1], kept, predicted, times[list(positions)], seconds, nfe)
