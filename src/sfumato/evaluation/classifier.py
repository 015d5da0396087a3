"""A trained LeNet in use: features and probabilities of images, and its weights on disk."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from flax import nnx

from sfumato.compute.compilation import compiled
from sfumato.compute.modes import in_own_modes
from sfumato.errors import InputError
from sfumato.evaluation.lenet import LeNet
from sfumato.evaluation.quantise import quantise
from sfumato.networks.restoring import restored, structure, weights_of

MICRO_BATCH = 64  # images through the network at once; XLA may sum in another order at another size


@dataclass(frozen=True, eq=False)
class Classifier:
    """A trained LeNet; image i has the same features and probabilities whatever the others.

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
        return self.look(images)[0]

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Images (N, H, W, C) -> (N, n_classes) float32; an InputError as for `features`."""
        return self.look(images)[1]

    @in_own_modes
    def look(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return features and probabilities, from one pass through the network."""
        features, probabilities = zip(*self._batches(images), strict=True)
        return np.concatenate(features), np.concatenate(probabilities)

    def weights(self) -> dict[str, np.ndarray]:
        """Return the weights by name, `conv_1.kernel`; `from_weights` takes them back."""
        return weights_of(self.state)

    @classmethod
    def from_weights(
        cls, weights: Mapping[str, np.ndarray], image_shape: tuple[int, ...], n_classes: int
    ) -> "Classifier":
        """Build the classifier that `weights()` came from.

        Raises:
            InputError: if a weight is missing, is one too many, has another shape than images of
                `image_shape` and `n_classes` classes ask for, or is not finite.
        """
        graphdef, shapes = structure(LeNet, tuple(image_shape), n_classes)
        return cls(graphdef, restored(shapes, weights), tuple(image_shape), n_classes)

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


@partial(compiled, static_argnums=0)
def _look(
    graphdef: nnx.GraphDef, state: nnx.State, images: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Return features and probabilities of one micro-batch."""
    network = nnx.merge(graphdef, state)
    features = network.features(images)
    return features, jax.nn.softmax(network.head(features))
