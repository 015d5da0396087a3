"""How the small classifier learns, so that one key gives one classifier, to the bit.

It is trained with AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) on cross-entropy; the
learning rate falls to 0 along half a cosine.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from sfumato.compute.compilation import compiled
from sfumato.compute.modes import in_own_modes
from sfumato.errors import InputError
from sfumato.evaluation.classes import check_labels
from sfumato.evaluation.classifier import Classifier
from sfumato.evaluation.lenet import SMALLEST, LeNet
from sfumato.evaluation.quantise import quantise
from sfumato.networks.restoring import structure
from sfumato.training.descent import Carry, begin, descend


@dataclass(frozen=True)
class Fit:
    """How long and how fast a classifier learns; an InputError for a number out of its range.

    Attributes:
        steps: updates of the weights, at least 1.
        batch_size: images in each, at least 1.
        learning_rate: at the start, more than 0.
        shift: by up to how many pixels each image moves each way, its edge repeated; 0 for none.
    """

    steps: int
    batch_size: int = 64
    learning_rate: float = 2e-3
    shift: int = 2

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, least in {"steps": 1, "batch_size": 1, "shift": 0}.items():
            value = getattr(self, name)
            if value < least:
                raise InputError(f"{name}: {value} must be at least {least}")
        if not 0 < self.learning_rate < np.inf:
            raise InputError(f"learning_rate: {self.learning_rate} must be more than 0, and finite")


@in_own_modes
def train_classifier(
    images: np.ndarray, labels: np.ndarray, n_classes: int, fit: Fit, *, key: jax.Array
) -> Classifier:
    """Train a classifier; batches are cut from permutations of all images in turn.

    Args:
        images: (N, H, W, C) in [-1, 1], H and W at least 8.
        labels: (N,), whole numbers 0 .. n_classes - 1.
        n_classes: how many classes there are, at least 2.
        fit: how long and how fast it learns.
        key: of the weights, the order and the shifts.

    Raises:
        InputError: if images and labels do not go together, or the weights became NaN.
    """
    images, labels = quantise(images), np.asarray(labels)
    _check(images, labels, n_classes)
    start_key, order_key, shift_key = jax.random.split(key, 3)
    graphdef, _ = structure(LeNet, images.shape[1:], n_classes)
    carry = begin(LeNet, images.shape[1:], n_classes, start_key)
    rate = optax.cosine_decay_schedule(fit.learning_rate, fit.steps)
    order = image_order(len(images), fit.steps * fit.batch_size, order_key)
    for number, chosen in enumerate(order.reshape(fit.steps, fit.batch_size)):
        batch = images[chosen], labels[chosen].astype(np.int32)
        step_key = jax.random.fold_in(shift_key, number)
        carry = update(fit.shift, graphdef, carry, *batch, rate(number), step_key)
    classifier = Classifier(graphdef, carry[0], images.shape[1:], n_classes)
    if not all(np.isfinite(weight).all() for weight in classifier.weights().values()):
        raise InputError(
            f"learning_rate: with {fit.learning_rate:g} the classifier's weights became NaN or "
            "infinite; choose a smaller one"
        )
    return classifier


def image_order(n_images: int, count: int, key: jax.Array) -> np.ndarray:
    """Return `count` indices of images: one permutation of all of them after another."""
    epochs = range(-(-count // n_images))
    permutations = [
        np.asarray(jax.random.permutation(jax.random.fold_in(key, epoch), n_images))
        for epoch in epochs
    ]
    return np.concatenate(permutations)[:count]


def shifted(x: jax.Array, most: int, key: jax.Array) -> jax.Array:
    """Move each image by whole pixels, -most .. most each way, its edge repeated."""
    if not most:
        return x
    padded = jnp.pad(x, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    corners = jax.random.randint(key, (len(x), 2), 0, 2 * most + 1)
    cut = partial(jax.lax.dynamic_slice, slice_sizes=x.shape[1:])
    return jax.vmap(lambda image, corner: cut(image, (*corner, 0)))(padded, corners)


@partial(compiled, static_argnums=(0, 1))
def update(
    shift: int,
    graphdef: nnx.GraphDef,
    carry: Carry,
    x: jax.Array,
    y: jax.Array,
    rate: jax.Array,
    key: jax.Array,
) -> Carry:
    """Take one step; one program serves every learning rate and number of steps.

    No loop is compiled around it: on a CPU, XLA gives convolutions in such a loop neither threads
    nor its fast routines, and a step took ten times as long.
    """
    return descend(carry, jax.grad(_loss)(carry[0], graphdef, shifted(x, shift, key), y), rate)


def _loss(state: nnx.State, graphdef: nnx.GraphDef, x: jax.Array, y: jax.Array) -> jax.Array:
    logits = nnx.merge(graphdef, state)(x)
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def _check(images: np.ndarray, labels: np.ndarray, n_classes: int) -> None:
    check_labels(labels, n_classes)
    if len(labels) != len(images):
        raise InputError(f"labels: {len(labels)} for {len(images)} images; each needs one")
    if min(images.shape[1:3]) < SMALLEST:
        raise InputError(
            f"images: {images.shape[1:3]} pixels are too few; the sides must be at least {SMALLEST}"
        )
    if n_classes < 2:
        raise InputError(f"n_classes: {n_classes} must be at least 2")
