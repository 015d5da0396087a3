"""The one loop that trains.

Step n takes its images from an endless stream (`stream`) and its random numbers from
fold_in(key, n) (`step`). So a run that was stopped at any step and resumes from what it had saved
ends, on one kind of device, with the weights of a run that was not stopped. One program, compiled
once, takes any number of steps.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from sfumato.compute.arguments import array
from sfumato.compute.modes import in_own_modes
from sfumato.compute.ranges import check_range
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.labels import NO_CLASS
from sfumato.config.training import TrainingConfig
from sfumato.diffusion.schedule import Schedule, make_schedule
from sfumato.errors import InputError
from sfumato.networks.base import Network
from sfumato.training.state import TrainingState
from sfumato.training.step import Program, TrainingImages, advance
from sfumato.training.stream import image_order
from sfumato.training.told import learnt

STEPS_PER_DISPATCH = 10
_REMEDY = "nothing was written. Lower training.learning_rate, or raise training.warmup_steps"
_LOG = logging.getLogger("sfumato")
CPU_DEVICES = 2
"""How many devices a CPU is divided into: the same on all machines, since sums depend on it."""


class Store(Protocol):
    """Where a run saves its state."""

    def restore(self, like: TrainingState) -> TrainingState | None:
        """Return the last state saved, with the structure of `like`; None if there is none."""

    def keep(self, state: TrainingState) -> None:
        """Save a state, or skip it if the last one is recent enough."""


@in_own_modes
def train(
    network: Network,
    diffusion: DiffusionConfig,
    training: TrainingConfig,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    key: jax.Array,
    store: Store | None = None,
    report: Callable[[int, float], object] = lambda step, loss: None,
) -> tuple[Network, np.ndarray]:
    """Return the trained network with its averaged weights, and the history (steps, 3) of HISTORY.

    Args:
        network: the network to begin with; it is left as it is.
        diffusion: the forward process, and what the network predicts.
        training: length, optimiser and loss.
        images: (N, H, W, C) in [-1, 1].
        labels: (N,), classes 0 .. num_classes - 1, -1 for none; read if the network knows any.
        key: of the run; all that is random follows from it and the number of the step.
        store: where the state is saved, and found again.
        report: called every few steps, with the steps taken and the loss of the last of them.

    Raises:
        InputError: if images or labels do not fit the network, images have levels 0 .. 255, or the
            loss, or a weight at the end, is not finite.
    """
    images, labels = array("images", images), array("labels", labels)
    _check(network, images, labels)
    program = Program.of(network, diffusion, training)
    data = TrainingImages(jnp.asarray(images), jnp.asarray(labels, jnp.int32))
    arrays = (make_schedule(diffusion), data, TrainingState.start(network, training, key))
    schedule, data, state = jax.device_put(arrays, NamedSharding(program.mesh, P()))
    start = (store.restore(state) if store else None) or state
    report(int(start.step), float("nan"))
    for state in _states(program, schedule, data, start, key):
        report(int(state.step), _checked_loss(state))
        if store and state.step < training.steps:
            store.keep(state)
    weights = jax.device_put(jax.device_get(state.average))  # on no device in particular
    if not all(np.isfinite(weight).all() for weight in jax.tree.leaves(weights)):
        raise InputError(f"training: the weights are no longer finite; {_REMEDY}")
    return learnt(network, training.augmentation, weights), np.asarray(state.history)


def _states(
    program: Program,
    schedule: Schedule,
    data: TrainingImages,
    state: TrainingState,
    key: jax.Array,
) -> Iterator[TrainingState]:
    """Take the steps that are left, and yield the state after every few of them."""
    taken, training = int(state.step), program.training
    while taken < training.steps:
        steps = min(STEPS_PER_DISPATCH, training.steps - taken)
        order = image_order(key, len(data.images), training.batch_size, taken, STEPS_PER_DISPATCH)
        if program.loops:
            state = advance(program, schedule, data, order, state, steps)
        else:
            for row in order[:steps]:
                state = advance(program, schedule, data, row[None], state, 1)
        taken += steps
        yield state


def _checked_loss(state: TrainingState) -> float:
    """Return the loss of the last step; raise an InputError if it is not finite."""
    loss = float(state.history[state.step - 1, 0])
    if not np.isfinite(loss):
        raise InputError(f"training: the loss is {loss} at step {state.step}; {_REMEDY}")
    return loss


def _check(network: Network, images: np.ndarray, labels: np.ndarray) -> None:
    shape, classes = tuple(network.config.input_dim), network.config.num_classes
    if images.shape[1:] != shape or labels.shape != images.shape[:1] or not len(images):
        raise InputError(
            f"training: {labels.size} labels and images of shape {images.shape}; the network "
            f"takes images of shape {shape}, each with a label, in one list"
        )
    if labels.dtype.kind not in "iu" or labels.min() < NO_CLASS:
        raise InputError("training: labels must be whole numbers from -1 up; -1 is no class")
    check_range("images", images)
    if classes and labels.max() >= classes:
        raise InputError(
            f"model.num_classes: {classes} must be at least {labels.max() + 1}, for the classes "
            "of the data"
        )
    unseen = sorted({*range(classes)} - {*labels.tolist()})
    if len(unseen) < classes and unseen:
        named = ", ".join(map(str, unseen[:10])) + (", ..." if len(unseen) > 10 else "")  # noqa: PLR2004
        _LOG.warning("training: no image is of the classes %s; they are not learnt", named)
