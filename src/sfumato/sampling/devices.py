"""The chain on all devices: a micro-batch on each, as if it were alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from sfumato.compute.arguments import whole
from sfumato.compute.compilation import compiled
from sfumato.compute.knobs import put_back
from sfumato.compute.randomness import keys_at, normal, sample_keys
from sfumato.diffusion.prediction import Given
from sfumato.diffusion.schedule import Schedule
from sfumato.samplers.base import Sampler
from sfumato.sampling import chain
from sfumato.sampling.chain import Chain, State

if TYPE_CHECKING:
    from sfumato.editing.base import Start

SAMPLES = "samples"  # the axis along which devices share the work
COPIED, SPLIT = P(), P(SAMPLES)
CHAIN = Chain._make([COPIED, COPIED, COPIED, COPIED, SPLIT, SPLIT])
STATE = State._make([SPLIT, SPLIT, P(None, SAMPLES), P(None, SAMPLES)])
"""Which axis of each part goes over the devices."""


@dataclass(frozen=True)
class Program:
    """What a loop is compiled for: the static argument of `begin` and `advance`.

    Attributes:
        mesh: the devices.
        sampler: the step rule, without its traced knobs.
        image_shape: shape of one sample.
        n_snapshots: how many states are kept.
        start: makes the state at the first time of x_T; None where that is x_T, or given.
    """

    mesh: Mesh
    sampler: Sampler
    image_shape: tuple[int, ...]
    n_snapshots: int
    start: Start | None = None

    def copy(self, tree: Any) -> Any:  # noqa: ANN401
        """Put a pytree on every device."""
        return jax.device_put(tree, NamedSharding(self.mesh, COPIED))

    def split(self, tree: Any) -> Any:  # noqa: ANN401
        """Put a pytree on the devices, some samples on each."""
        return jax.device_put(tree, NamedSharding(self.mesh, SPLIT))


def mesh_for(n_samples: int, micro_batch: int, most: int | None = None) -> Mesh:
    """Return the local devices, `most` of them, and no more than there are micro-batches."""
    devices = jax.local_devices()[: None if most is None else whole("devices", most)]
    return Mesh(devices[: -(-n_samples // micro_batch)], (SAMPLES,))


@partial(compiled, static_argnums=0)
def begin(
    program: Program,
    knobs: Mapping[str, Any],
    schedule: Schedule,
    key: jax.Array,
    t: jax.typing.ArrayLike,
    indices: jax.Array,
    start: jax.Array | None,
    given: Given,
) -> tuple[jax.Array, State]:
    """Return the keys of the samples `indices` (B,), and their states before the first step, at t.

    Without a start, x_T is drawn at time T, and becomes what the program makes of it.
    """

    def on_device(
        knobs: Mapping[str, Any],
        schedule: Schedule,
        key: jax.Array,
        t: jax.typing.ArrayLike,
        indices: jax.Array,
        x: jax.Array | None,
        given: Given,
    ) -> tuple[jax.Array, State]:
        keys = sample_keys(key, indices)
        if x is None:
            like = jnp.empty((len(indices), *program.image_shape))
            x = normal(keys_at(keys, schedule.noise_steps), like)
            x = program.start(schedule, x, given, t) if program.start else x
        sampler = put_back(program.sampler, knobs)
        return keys, chain.begin(sampler, x.astype(jnp.float32), given, program.n_snapshots)

    specs = (COPIED, COPIED, COPIED, COPIED, SPLIT, SPLIT, SPLIT)
    return jax.shard_map(
        on_device, mesh=program.mesh, in_specs=specs, out_specs=(SPLIT, STATE), check_vma=False
    )(knobs, schedule, key, t, indices, start, given)


@partial(compiled, static_argnums=0)
def advance(
    program: Program,
    knobs: Mapping[str, Any],
    steps: Chain,
    state: State,
    first: jax.typing.ArrayLike,
    last: jax.typing.ArrayLike,
) -> State:
    """Take the steps first .. last - 1."""

    def on_device(knobs: Mapping[str, Any], *arguments: Any) -> State:  # noqa: ANN401
        return chain.advance(put_back(program.sampler, knobs), *arguments)

    specs = (COPIED, CHAIN, STATE, COPIED, COPIED)
    return jax.shard_map(
        on_device, mesh=program.mesh, in_specs=specs, out_specs=STATE, check_vma=False
    )(knobs, steps, state, first, last)
