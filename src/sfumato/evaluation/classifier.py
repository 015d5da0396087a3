"""The small classifier whose features carry FD-LeNet and its companions.

A LeNet (LeCun et al. 1998, Proceedings of the IEEE 86, 2278) with max pooling and ReLU:

    5x5 convolution to 16, pool 2x2, 5x5 convolution to 32, pool 2x2, normalise each image's values
    (Ba et al. 2016, arXiv:1607.06450), dense to 64, dense to classes

The 64 values before the last layer are the features. Without the normalisation about half of
them are 0 for every digit. It is trained with AdamW (Loshchilov and
Hutter 2019, arXiv:1711.05101) on cross-entropy; the learning rate falls to 0 along half a cosine.
All that is random comes from one key, so that one key gives one classifier, to the bit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from sfumato.compute.compilation import compiled
from sfumato.errors import InputError
from sfumato.evaluation.classes import check_labels
from sfumato.evaluation.quantise import quantise

FEATURES = 64
OPTIMISER = optax.adamw(1.0)  # the changes for a learning rate of 1; each step scales them
SMALLEST = 8  # side of an image, so that two poolings leave 2 x 2
MICRO_BATCH = 64  # images through the network at once; XLA may sum otherwise at another size


class LeNet(nnx.Module):
    """Images (B, H, W, C) -> logits (B, n_classes), by way of features (B, 64)."""

    def __init__(self, image_shape: tuple[int, ...], n_classes: int, *, rngs: nnx.Rngs) -> None:
        """Draw fresh weights for images of `image_shape`, (H, W, C)."""
        height, width, channels = image_shape
        self.conv_1 = nnx.Conv(channels, 16, (5, 5), rngs=rngs)
        self.conv_2 = nnx.Conv(16, 32, (5, 5), rngs=rngs)
        pooled = 32 * (height // 4) * (width // 4)
        self.norm = nnx.LayerNorm(pooled, use_bias=False, use_scale=False, rngs=rngs)
        self.dense = nnx.Linear(pooled, FEATURES, rngs=rngs)
        self.head = nnx.Linear(FEATURES, n_classes, rngs=rngs)

    def features(self, x: jax.Array) -> jax.Array:
        """(B, H, W, C) -> (B, 64), 0 or more."""
        for conv in (self.conv_1, self.conv_2):
            x = nnx.max_pool(nnx.relu(conv(x)), (2, 2), (2, 2))
        return nnx.relu(self.dense(self.norm(x.reshape(len(x), -1))))

    def __call__(self, x: jax.Array) -> jax.Array:
        """(B, H, W, C) -> (B, n_classes)."""
        return self.head(self.features(x))


@dataclass(frozen=True, eq=False)
class Classifier:
    """A trained LeNet; image i has the same features and probabilities in any company.

    Attributes:
        graphdef: the network's structure.
        state: its weights.
        image_shape: (H, W, C) of the images that it takes.
        n_classes: how many classes it knows.
    """

    graphdef: nnx.GraphDef
    state: nnx.State
    image_shape: tuple[int, ...]
    n_classes: int

    def features(self, images: np.ndarray) -> np.ndarray:
        """Images (N, H, W, C) -> (N, 64) float32; an InputError if they are of another shape."""
        return np.concatenate([features for features, _ in self._batches(images)])

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Images (N, H, W, C) -> (N, n_classes) float32; an InputError as for `features`."""
        return np.concatenate([probabilities for _, probabilities in self._batches(images)])

    def weights(self) -> dict[str, np.ndarray]:
        """Return the weights by name, `conv_1.kernel`; `from_weights` takes them back."""
        return {name: np.asarray(leaf) for name, leaf in _named(self.state).items()}

    @classmethod
    def from_weights(
        cls, weights: Mapping[str, np.ndarray], image_shape: tuple[int, ...], n_classes: int
    ) -> "Classifier":
        """Build the classifier that `weights()` came from.

        Raises:
            InputError: if a weight is missing, is one too many, has another shape than images of
                `image_shape` and `n_classes` classes ask for, or is not finite.
        """
        graphdef, shapes = _structure(tuple(image_shape), n_classes)
        _check_weights(weights, {name: leaf.shape for name, leaf in _named(shapes).items()})
        state = jax.tree_util.tree_map_with_path(
            lambda path, leaf: jnp.asarray(weights[_name(path)], leaf.dtype), shapes
        )
        return cls(graphdef, state, tuple(image_shape), n_classes)

    def _batches(self, images: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Send images through the network, the last micro-batch filled up with zeros."""
        images = quantise(images)
        if images.shape[1:] != self.image_shape:
            raise InputError(
                f"images: {images.shape[1:]} must be {self.image_shape}, the shape that the "
                "classifier was trained with"
            )
        for first in range(0, len(images), MICRO_BATCH):
            part = images[first : first + MICRO_BATCH]
            batch = np.zeros((MICRO_BATCH, *self.image_shape), np.float32)
            batch[: len(part)] = part
            features, probabilities = jax.device_get(_look(self.graphdef, self.state, batch))
            yield features[: len(part)], probabilities[: len(part)]


def train_classifier(
    images: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    *,
    steps: int,
    batch_size: int,
    learning_rate: float,
    key: jax.Array,
    shift: int = 2,
) -> Classifier:
    """Train a classifier from `key`; batches are cut from permutations of all images in turn.

    Args:
        images: (N, H, W, C) in [-1, 1], H and W at least 8.
        labels: (N,), whole numbers 0 .. n_classes - 1.
        n_classes: how many classes there are, at least 2.
        steps: updates of the weights, at least 1.
        batch_size: images in each, at least 1.
        learning_rate: at the start, more than 0.
        key: of the weights, the order and the shifts.
        shift: each image is moved by up to so many pixels each way, its edge repeated; 0: not.

    Raises:
        InputError: if an argument is out of its range, or training came to NaN.
    """
    images, labels = quantise(images), np.asarray(labels)
    _check(images, labels, n_classes, steps, batch_size, learning_rate, shift)
    start_key, order_key, shift_key = jax.random.split(key, 3)
    graphdef, _ = _structure(images.shape[1:], n_classes)
    carry = _start(images.shape[1:], n_classes, start_key)
    rate = optax.cosine_decay_schedule(learning_rate, steps)
    order = _order(len(images), steps * batch_size, order_key).reshape(steps, batch_size)
    for number, chosen in enumerate(order):
        batch = images[chosen], labels[chosen].astype(np.int32)
        step_key = jax.random.fold_in(shift_key, number)
        carry = _update(shift, graphdef, carry, *batch, rate(number), step_key)
    classifier = Classifier(graphdef, carry[0], images.shape[1:], n_classes)
    if not all(np.isfinite(weight).all() for weight in classifier.weights().values()):
        raise InputError(
            f"learning_rate: with {learning_rate:g} the classifier's weights became NaN or "
            "infinite; choose a smaller one"
        )
    return classifier


@partial(compiled, static_argnums=(0, 1))
def _start(
    image_shape: tuple[int, ...], n_classes: int, key: jax.Array
) -> tuple[nnx.State, optax.OptState]:
    """Draw fresh weights, and make the optimiser's state for them."""
    state = nnx.state(LeNet(image_shape, n_classes, rngs=nnx.Rngs(key)))
    return state, OPTIMISER.init(state)


@partial(compiled, static_argnums=(0, 1))
def _update(
    shift: int,
    graphdef: nnx.GraphDef,
    carry: tuple[nnx.State, optax.OptState],
    x: jax.Array,
    y: jax.Array,
    rate: jax.Array,
    key: jax.Array,
) -> tuple[nnx.State, optax.OptState]:
    """Take one step; one program serves every learning rate and number of steps.

    No loop is compiled around it: on a CPU, XLA gives convolutions in such a loop neither threads
    nor its fast routines, and a step took ten times as long.
    """
    state, moments = carry
    gradient = jax.grad(_loss)(state, graphdef, _shifted(x, shift, key), y)
    change, moments = OPTIMISER.update(gradient, moments, state)
    return jax.tree.map(lambda w, dw: w + rate * dw, state, change), moments


def _loss(state: nnx.State, graphdef: nnx.GraphDef, x: jax.Array, y: jax.Array) -> jax.Array:
    logits = nnx.merge(graphdef, state)(x)
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def _shifted(x: jax.Array, most: int, key: jax.Array) -> jax.Array:
    """Move each image by whole pixels, -most .. most each way, its edge repeated."""
    if not most:
        return x
    padded = jnp.pad(x, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    corners = jax.random.randint(key, (len(x), 2), 0, 2 * most + 1)
    cut = partial(jax.lax.dynamic_slice, slice_sizes=x.shape[1:])
    return jax.vmap(lambda image, corner: cut(image, (*corner, 0)))(padded, corners)


@partial(compiled, static_argnums=0)
def _look(
    graphdef: nnx.GraphDef, state: nnx.State, images: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Return features and probabilities of one micro-batch."""
    network = nnx.merge(graphdef, state)
    features = network.features(images)
    return features, jax.nn.softmax(network.head(features))


def _order(n_images: int, count: int, key: jax.Array) -> np.ndarray:
    """Return `count` indices of images: one permutation of all of them after another."""
    epochs = range(-(-count // n_images))
    permutations = [
        np.asarray(jax.random.permutation(jax.random.fold_in(key, epoch), n_images))
        for epoch in epochs
    ]
    return np.concatenate(permutations)[:count]


def _structure(image_shape: tuple[int, ...], n_classes: int) -> tuple[nnx.GraphDef, nnx.State]:
    """Return the network's structure and the shapes of its weights, without drawing any."""
    return nnx.split(nnx.eval_shape(lambda: LeNet(image_shape, n_classes, rngs=nnx.Rngs(0))))


def _named(state: nnx.State) -> dict[str, Any]:
    return {_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(state)}


def _name(path: tuple[Any, ...]) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".").removesuffix(".value")


def _check_weights(
    weights: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]
) -> None:
    for name in [*shapes, *weights]:
        wanted, found = shapes.get(name), np.shape(weights[name]) if name in weights else None
        if wanted != found:
            raise InputError(
                f"weights: {name} has the shape {found}, and this classifier needs {wanted}; "
                "train it again for these images and classes"
            )
        if not np.isfinite(weights[name]).all():
            raise InputError(f"weights: {name} holds NaN or infinite values; train it again")


def _check(
    images: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    steps: int,
    batch_size: int,
    learning_rate: float,
    shift: int,
) -> None:
    check_labels(labels, n_classes)
    if len(labels) != len(images):
        raise InputError(f"labels: {len(labels)} for {len(images)} images; each needs one")
    if min(images.shape[1:3]) < SMALLEST:
        raise InputError(
            f"images: {images.shape[1:3]} pixels are too few; the sides must be at least {SMALLEST}"
        )
    least = {"n_classes": (n_classes, 2), "steps": (steps, 1), "batch_size": (batch_size, 1)}
    for name, (value, bound) in {**least, "shift": (shift, 0)}.items():
        if value < bound:
            raise InputError(f"{name}: {value} must be at least {bound}")
    if not 0 < learning_rate < np.inf:
        raise InputError(f"learning_rate: {learning_rate} must be more than 0, and finite")
