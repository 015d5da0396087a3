"""How the classifier of classifier guidance learns: from images with noise, at every time.

L = E [-log p(y | x_t)],   x_t = alpha_t x_0 + sigma_t eps,   t uniform over 0 .. T - 1

Step n draws its times and noise from fold_in(key, n), so that one key gives one classifier, to the
bit. AdamW (arXiv:1711.05101); the learning rate falls to 0 along half a cosine.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from sfumato.compute.compilation import compiled
from sfumato.compute.modes import in_own_modes
from sfumato.config.guidance_classifier import GuidanceClassifierConfig
from sfumato.diffusion.forward import forward
from sfumato.diffusion.schedule import Schedule
from sfumato.errors import InputError
from sfumato.networks.guidance_classifier import GuidanceClassifier, LogProbability
from sfumato.networks.restoring import structure
from sfumato.training.descent import Carry, begin, descend
from sfumato.training.stream import image_order

MICRO_BATCH = 64


@in_own_modes
def train_guidance_classifier(
    images: np.ndarray,
    labels: np.ndarray,
    schedule: Schedule,
    config: GuidanceClassifierConfig,
    *,
    key: jax.Array,
) -> LogProbability:
    """Train a classifier of noisy images.

    Args:
        images: (N, H, W, C) in [-1, 1].
        labels: (N,), their classes, 0 .. n_classes - 1.
        schedule: the noise schedule.
        config: how long and how fast it learns.
        key: of the weights, the order, the times and the noise.

    Raises:
        InputError: if an image has no class, or all are of class 0, or weights are not finite.
    """
    if labels.min() < 0 or labels.max() < 1:
        raise InputError("guidance: a classifier needs images of at least two classes")
    n_classes, shape = int(labels.max()) + 1, images.shape[1:]
    start_key, order_key, step_key = jax.random.split(key, 3)
    graphdef, _ = structure(GuidanceClassifier, shape, n_classes)
    carry = begin(GuidanceClassifier, shape, n_classes, start_key)
    rate = optax.cosine_decay_schedule(config.learning_rate, config.steps)
    order = image_order(order_key, len(images), config.batch_size, 0, config.steps)
    for number, chosen in enumerate(order):
        batch = images[chosen], labels[chosen].astype(np.int32)
        draw_key = jax.random.fold_in(step_key, number)
        carry = update(graphdef, schedule, carry, *batch, rate(number), draw_key)
    trained = LogProbability(carry[0], graphdef)
    if not all(np.isfinite(weight).all() for weight in trained.weights().values()):
        raise InputError(
            f"guidance_classifier.learning_rate: with {config.learning_rate:g} the weights became "
            "NaN or infinite; choose a smaller one"
        )
    return trained


@in_own_modes
def accuracies(
    classifier: LogProbability,
    images: np.ndarray,
    labels: np.ndarray,
    schedule: Schedule,
    times: np.ndarray,
    *,
    key: jax.Array,
) -> np.ndarray:
    """Return the share of images (N, H, W, C) that it puts in their class at each time: (K,)."""
    eps = np.asarray(jax.random.normal(key, images.shape))
    right = np.zeros(len(times))
    for first in range(0, len(images), MICRO_BATCH):
        part = slice(first, first + MICRO_BATCH)
        for k, t in enumerate(times):
            guesses = _guess(classifier, schedule, images[part], eps[part], int(t))
            right[k] += (np.asarray(guesses) == labels[part]).sum()
    return (right / len(images)).astype(np.float32)


@partial(compiled, static_argnums=0)
def update(
    graphdef: nnx.GraphDef[GuidanceClassifier],
    schedule: Schedule,
    carry: Carry,
    x_0: jax.Array,
    y: jax.Array,
    rate: jax.Array,
    key: jax.Array,
) -> Carry:
    """Take one step on images x_0 (B, H, W, C) of classes y (B,)."""
    time_key, noise_key = jax.random.split(key)
    t = jax.random.randint(time_key, y.shape, 0, schedule.noise_steps)
    x_t = forward(schedule, x_0, jax.random.normal(noise_key, x_0.shape), t)
    return descend(carry, jax.grad(_loss)(carry[0], graphdef, x_t, t, y), rate)


def _loss(
    state: nnx.State, graphdef: nnx.GraphDef, x_t: jax.Array, t: jax.Array, y: jax.Array
) -> jax.Array:
    logits = nnx.merge(graphdef, state)(x_t, t)
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


@compiled
def _guess(
    classifier: LogProbability,
    schedule: Schedule,
    x_0: jax.Array,
    eps: jax.Array,
    t: jax.typing.ArrayLike,
) -> jax.Array:
    """Return the likeliest class of each image x_0 (B, H, W, C) with the noise of time t."""
    return classifier(forward(schedule, x_0, eps, jnp.full(len(x_0), t)), t).argmax(axis=1)
