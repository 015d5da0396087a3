"""One step of training: a batch, its loss and gradient, and the weights that follow.

Step n draws its times, noise, changes of images, dropped labels and dropout from fold_in(key, n),
and so depends on nothing but the state before it.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Self

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from sfumato.compute.compilation import compiled
from sfumato.compute.randomness import threefry_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.training import TrainingConfig
from sfumato.diffusion.forward import forward
from sfumato.diffusion.prediction import target_of
from sfumato.diffusion.schedule import Schedule
from sfumato.networks.base import Network
from sfumato.networks.initialisation import skeleton
from sfumato.training.augmentation import augment
from sfumato.training.ema import update_ema
from sfumato.training.losses import min_snr_weight, pixel_loss
from sfumato.training.optimiser import learning_rate, make_optimiser
from sfumato.training.state import TrainingState
from sfumato.training.times import draw_times
from sfumato.training.told import Told, learner

BATCH = "batch"  # the axis along which devices share a batch


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainingImages:
    """The images (N, H, W, C) in [-1, 1] and their classes (N,), -1 for none, on the devices."""

    images: jax.Array
    labels: jax.Array


class Batch(NamedTuple):
    """Images (B, H, W, C), their times (B,), noise (B, H, W, C), and what else the network gets.

    That is classes (B,), if any count, and how the images were changed (B, TOLD), if they were.
    """

    x_0: jax.Array
    t: jax.Array
    eps: jax.Array
    labels: jax.Array | None
    told: jax.Array | None


@dataclass(frozen=True)
class Program:
    """What the compiled step is made for; another network, config or mesh is another program.

    On a CPU a program takes one step, on an accelerator several: inside a compiled loop XLA's CPU
    backend takes twenty times as long for the gradient of a convolution (jax issue 12868).
    """

    graphdef: nnx.GraphDef[Network | Told]
    diffusion: DiffusionConfig
    training: TrainingConfig
    num_classes: int
    mesh: Mesh
    loops: bool

    @classmethod
    def of(cls, network: Network, diffusion: DiffusionConfig, training: TrainingConfig) -> Self:
        """Take the network's structure, with the precision that training asks for."""
        dtype = jnp.bfloat16 if training.precision == "bfloat16" else None
        graphdef = nnx.graphdef(learner(skeleton(network.config, dtype), training.augmentation))
        mesh = devices_for(training.batch_size)
        loops = jax.default_backend() != "cpu"
        return cls(graphdef, diffusion, training, network.config.num_classes, mesh, loops)


def devices_for(batch_size: int) -> Mesh:
    """Return the local devices, at most as many as share a batch evenly."""
    devices = jax.local_devices()
    count = max(n for n in range(1, len(devices) + 1) if batch_size % n == 0)
    return Mesh(devices[:count], (BATCH,))


@partial(compiled, static_argnames="program", donate_argnames="state")
def advance(
    program: Program,
    schedule: Schedule,
    data: TrainingImages,
    order: jax.Array,
    state: TrainingState,
    steps: int,
) -> TrainingState:
    """Take some steps, on the images that the rows of `order` name; one at a time on a CPU.

    Args:
        program: what is compiled.
        schedule: the noise schedule.
        data: all images.
        order: (steps or more, B), indices of images.
        state: the state before, whose arrays must not be used again.
        steps: how many steps; any number is one program.
    """

    def body(i: jax.typing.ArrayLike, state: TrainingState) -> TrainingState:
        return _step(program, schedule, data, order[i], state)

    return jax.lax.fori_loop(0, steps, body, state) if program.loops else body(0, state)


def _step(
    program: Program,
    schedule: Schedule,
    data: TrainingImages,
    indices: jax.Array,
    state: TrainingState,
) -> TrainingState:
    training = program.training
    batch, dropout_key = _draw_batch(program, schedule, data, indices, state)
    loss = partial(_loss, program, schedule, batch, dropout_key)
    value, gradient = jax.value_and_grad(loss)(state.parameters)
    updates, optimiser = make_optimiser(training).update(
        gradient, state.optimiser, state.parameters
    )
    parameters = optax.apply_updates(state.parameters, updates)
    record = [value, learning_rate(training)(state.step), optax.tree.norm(gradient)]
    return state._replace(
        parameters=parameters,
        average=update_ema(state.average, parameters, state.step, training.ema_decay),
        optimiser=optimiser,
        step=state.step + 1,
        history=state.history.at[state.step].set(jnp.stack(record)),
    )


def _draw_batch(
    program: Program,
    schedule: Schedule,
    data: TrainingImages,
    indices: jax.Array,
    state: TrainingState,
) -> tuple[Batch, jax.Array]:
    """Draw what a step sees, each device its share, and the key of the dropout."""
    key = threefry_key(state.key)
    key = jax.random.fold_in(key, state.step)
    time_key, noise_key, label_key, dropout_key = jax.random.split(key, 4)
    x_0, labels, told = data.images[indices], None, None
    if probability := program.training.augmentation:
        x_0, told = augment(jax.random.fold_in(key, 4), x_0, probability)
    t = draw_times(program.training.times, time_key, indices.shape, schedule.noise_steps)
    eps = jax.random.normal(noise_key, x_0.shape)
    if program.num_classes:
        # Without its class now and then, an image teaches the network both ways.
        dropped = jax.random.bernoulli(label_key, program.training.label_dropout, indices.shape)
        labels = jnp.where(dropped, -1, data.labels[indices])
    shared = NamedSharding(program.mesh, P(BATCH))
    return jax.lax.with_sharding_constraint(Batch(x_0, t, eps, labels, told), shared), dropout_key


def _loss(
    program: Program,
    schedule: Schedule,
    batch: Batch,
    dropout_key: jax.Array,
    parameters: nnx.State,
) -> jax.Array:
    """Return the mean loss of a batch."""
    training, kind = program.training, program.diffusion.prediction_type
    x_0, t, eps, labels, told = batch
    network = nnx.merge(program.graphdef, parameters)
    network.train()
    x_t = forward(schedule, x_0, eps, t)
    more = {} if told is None else {"told": told}
    output = network(x_t, t, labels, **more, rngs=nnx.Rngs(dropout=dropout_key))
    losses = pixel_loss(output, target_of(kind, schedule, x_0, eps, t), training.loss)
    if training.weighting == "min_snr":
        losses *= min_snr_weight(kind, schedule, t, training.min_snr_gamma)
    return losses.mean()
