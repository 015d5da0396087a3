"""The one loop that trains.

Step n takes the images at positions n B .. (n + 1) B - 1 of an endless stream, one permutation of
the data after another, and draws its times and its noise from fold_in(key, n). So a run that was
stopped at any step and goes on from what it had saved ends, on one kind of device, with the
weights of a run that nobody stopped. One program, compiled once, takes any number of steps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import NamedTuple, Protocol, Self

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from sfumato.compute.compilation import compiled
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.training import TrainingConfig
from sfumato.diffusion.forward import diffuse, prediction_target
from sfumato.diffusion.schedule import Schedule, make_schedule
from sfumato.errors import InputError
from sfumato.networks.unet import UNet, skeleton
from sfumato.training.losses import min_snr_weight, pixel_loss
from sfumato.training.optimiser import ema_decay, learning_rate, make_optimiser

STEPS_PER_DISPATCH = 10
HISTORY = ("loss", "learning_rate", "gradient_norm")
"""What is recorded of each step."""
CPU_DEVICES = 2
"""Into how many a CPU is divided: one number for all machines, since sums depend on it."""
IMAGES = "images"  # the axis along which devices share a batch


class TrainingState(NamedTuple):
    """All that a run needs to go on: a pytree of arrays.

    Attributes:
        parameters: the weights, float32.
        average: their exponential moving average, with which samples are drawn.
        optimiser: the moments of AdamW and its count of steps.
        step: steps taken; `step` times the batch size is the position in the stream of images.
        key: data of the run's random key, which is fixed.
        history: (steps, 3), the columns of HISTORY; zero where no step was taken yet.
    """

    parameters: nnx.State
    average: nnx.State
    optimiser: optax.OptState
    step: jax.Array
    key: jax.Array
    history: jax.Array


class Store(Protocol):
    """Where a run keeps its state on the way."""

    def restore(self, like: TrainingState) -> TrainingState | None:
        """Return the last state that was kept, laid out as `like` is; None if there is none."""

    def keep(self, state: TrainingState) -> None:
        """Keep a state, or let it pass if the last one is fresh enough."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Dataset:
    """The images (N, H, W, C) in [-1, 1] and their classes (N,), on the devices."""

    images: jax.Array
    labels: jax.Array


@dataclass(frozen=True)
class Task:
    """What is compiled into the loop.

    On a CPU a program takes one step, on an accelerator several: inside a compiled loop XLA's CPU
    backend takes twenty times as long for the gradient of a convolution (jax issue 12868).
    """

    graphdef: nnx.GraphDef[UNet]
    diffusion: DiffusionConfig
    training: TrainingConfig
    num_classes: int
    mesh: Mesh
    loops: bool

    @classmethod
    def of(cls, unet: UNet, diffusion: DiffusionConfig, training: TrainingConfig) -> Self:
        """Take the network's structure, with the precision that training asks for."""
        dtype = jnp.bfloat16 if training.precision == "bfloat16" else None
        graphdef = nnx.graphdef(skeleton(unet.config, dtype))
        mesh = devices_for(training.batch_size)
        loops = jax.default_backend() != "cpu"
        return cls(graphdef, diffusion, training, unet.config.num_classes, mesh, loops)


def train(
    unet: UNet,
    diffusion: DiffusionConfig,
    training: TrainingConfig,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    key: jax.Array,
    store: Store | None = None,
    report: Callable[[int, float], object] = lambda step, loss: None,
) -> tuple[UNet, np.ndarray]:
    """Train a network.

    Args:
        unet: the network to begin with.
        diffusion: the forward process, and what the network predicts.
        training: length, optimiser and loss.
        images: (N, H, W, C) in [-1, 1].
        labels: (N,), classes 0 .. num_classes - 1, -1 for none; read if the network knows any.
        key: of the run; all that is random follows from it and the number of the step.
        store: where the state is kept on the way, and found again.
        report: called now and then with the steps taken and the loss of the last of them.

    Returns:
        The network with its averaged weights, and the history (steps, 3): see HISTORY.

    Raises:
        InputError: if images or labels do not fit the network, or the loss is no longer finite.
    """
    _check(unet, images, labels)
    task = Task.of(unet, diffusion, training)
    everywhere = NamedSharding(task.mesh, P())
    state = jax.device_put(_start(unet, training, key), everywhere)
    state = (store.restore(state) if store else None) or state
    dataset = Dataset(jnp.asarray(images), jnp.asarray(labels, jnp.int32))
    dataset, schedule = jax.device_put((dataset, make_schedule(diffusion)), everywhere)
    taken = int(state.step)
    report(taken, float("nan"))
    while taken < training.steps:
        steps = min(STEPS_PER_DISPATCH, training.steps - taken)
        order = stream(key, len(images), training.batch_size, taken)
        calls = [(order, steps)] if task.loops else [(row[None], 1) for row in order[:steps]]
        for rows, count in calls:
            state = _advance(task, schedule, dataset, rows, state, count)
        taken += steps
        report(taken, _checked_loss(state, taken))
        if store and taken < training.steps:
            store.keep(state)
    weights = jax.device_put(state.average, jax.local_devices()[0])
    return nnx.merge(nnx.graphdef(unet), weights), np.asarray(state.history)


def stream(key: jax.Array, n_images: int, batch_size: int, step: int) -> np.ndarray:
    """Return which images the steps from `step` on take: (STEPS_PER_DISPATCH, batch_size)."""
    positions = np.arange(step * batch_size, (step + STEPS_PER_DISPATCH) * batch_size)
    epochs = positions // n_images
    order = np.empty(len(positions), np.int32)
    for epoch in range(epochs[0], epochs[-1] + 1):
        inside = epochs == epoch
        permutation = _permutation(tuple(np.asarray(jax.random.key_data(key))), epoch, n_images)
        order[inside] = permutation[positions[inside] % n_images]
    return order.reshape(STEPS_PER_DISPATCH, batch_size)


@lru_cache(maxsize=2)  # a dispatch sees two epochs at most, unless the data are few
def _permutation(key: tuple[int, ...], epoch: int, n_images: int) -> np.ndarray:
    """Return the order of one epoch; its key is apart from those of the steps."""
    epochs = jax.random.fold_in(_wrap(jnp.asarray(key, jnp.uint32)), np.uint32(2**32 - 1))
    return np.asarray(jax.random.permutation(jax.random.fold_in(epochs, epoch), n_images))


def devices_for(batch_size: int) -> Mesh:
    """Return the local devices, at most as many as share a batch evenly."""
    devices = jax.local_devices()
    count = max(n for n in range(1, len(devices) + 1) if batch_size % n == 0)
    return Mesh(devices[:count], (IMAGES,))


def _start(unet: UNet, training: TrainingConfig, key: jax.Array) -> TrainingState:
    """Return the state before the first step, of arrays of its own: the loop gives them away."""
    parameters = nnx.state(unet, nnx.Param)
    state = TrainingState(
        parameters,
        parameters,
        make_optimiser(training).init(parameters),
        jnp.zeros((), jnp.int32),
        jax.random.key_data(key),
        jnp.zeros((training.steps, len(HISTORY))),
    )
    return jax.tree.map(jnp.copy, state)


@partial(compiled, static_argnames="task", donate_argnames="state")
def _advance(
    task: Task,
    schedule: Schedule,
    dataset: Dataset,
    order: jax.Array,
    state: TrainingState,
    steps: int,
) -> TrainingState:
    """Take `steps` steps, on the images that the first rows of `order` name."""

    def body(i: jax.typing.ArrayLike, state: TrainingState) -> TrainingState:
        return _step(task, schedule, dataset, order[i], state)

    return jax.lax.fori_loop(0, steps, body, state) if task.loops else body(0, state)


def _step(
    task: Task, schedule: Schedule, dataset: Dataset, indices: jax.Array, state: TrainingState
) -> TrainingState:
    training = task.training
    loss = partial(_loss, task, schedule, dataset, indices, _key_of_step(state))
    value, gradient = jax.value_and_grad(loss)(state.parameters)
    updates, optimiser = make_optimiser(training).update(
        gradient, state.optimiser, state.parameters
    )
    parameters = optax.apply_updates(state.parameters, updates)
    share = 1 - ema_decay(state.step, training.ema_decay)
    record = [value, learning_rate(training)(state.step), optax.tree.norm(gradient)]
    return state._replace(
        parameters=parameters,
        average=optax.incremental_update(parameters, state.average, share),
        optimiser=optimiser,
        step=state.step + 1,
        history=state.history.at[state.step].set(jnp.stack(record)),
    )


def _loss(
    task: Task,
    schedule: Schedule,
    dataset: Dataset,
    indices: jax.Array,
    key: jax.Array,
    parameters: nnx.State,
) -> jax.Array:
    """Return the mean loss of a batch, whose images the devices share."""
    training, kind = task.training, task.diffusion.prediction_type
    time_key, noise_key, label_key, dropout_key = jax.random.split(key, 4)
    x_0 = dataset.images[indices]
    t = jax.random.randint(time_key, indices.shape, 0, schedule.noise_steps)
    eps = jax.random.normal(noise_key, x_0.shape)
    labels = _drop_labels(dataset.labels[indices], task, label_key)
    x_0, t, eps, labels = jax.lax.with_sharding_constraint(
        (x_0, t, eps, labels), NamedSharding(task.mesh, P(IMAGES))
    )
    unet = nnx.merge(task.graphdef, parameters)
    unet.train()
    x_t = diffuse(schedule, x_0, eps, t)
    prediction = unet(x_t, t, labels, rngs=nnx.Rngs(dropout=dropout_key))
    target = prediction_target(schedule, x_0, eps, t, kind)
    losses = pixel_loss(prediction, target, training.loss)
    if training.weighting == "min_snr":
        losses *= min_snr_weight(schedule, t, kind, training.min_snr_gamma)
    return losses.mean()


def _drop_labels(labels: jax.Array, task: Task, key: jax.Array) -> jax.Array | None:
    """Take the class away from a share of the images, so that the network learns both ways."""
    if not task.num_classes:
        return None
    dropped = jax.random.bernoulli(key, task.training.label_dropout, labels.shape)
    return jnp.where(dropped | (labels < 0), task.num_classes, labels)


def _key_of_step(state: TrainingState) -> jax.Array:
    return jax.random.fold_in(_wrap(state.key), state.step)


def _wrap(key_data: jax.Array) -> jax.Array:
    return jax.random.wrap_key_data(key_data, impl="threefry2x32")


def _checked_loss(state: TrainingState, taken: int) -> float:
    loss = float(state.history[taken - 1, 0])
    if not np.isfinite(loss):
        raise InputError(
            f"training: the loss is {loss} at step {taken}; nothing was written. Lower "
            "training.learning_rate, or raise training.warmup_steps"
        )
    return loss


def _check(unet: UNet, images: np.ndarray, labels: np.ndarray) -> None:
    shape, classes = tuple(unet.config.input_dim), unet.config.num_classes
    if images.shape[1:] != shape or len(images) != len(labels) or not len(images):
        raise InputError(
            f"training: {len(labels)} labels and images of shape {images.shape}; the network "
            f"takes images of shape {shape}, each with a label"
        )
    if classes and labels.max() >= classes:
        raise InputError(
            f"model.num_classes: {classes} must be at least {labels.max() + 1}, for the classes "
            "of the data"
        )
