"""What every network is: a module that predicts something about x_t from x_t and t."""

from abc import ABC, abstractmethod

import jax
from flax import nnx
from jax import Array

from sfumato.networks.base_config import NetworkConfig
from sfumato.networks.embedding import Embedding


class Network(nnx.Module, ABC):
    """Predicts, from x_t and t, the noise, x_0, v or u: whatever it is trained for."""

    config: NetworkConfig
    """The settings that it was made from."""
    embed: Embedding
    """Time and class as one vector; without it `training.augmentation` cannot be used, and the
    number of classes of a trained network cannot change."""

    @abstractmethod
    def __init__(
        self, config: NetworkConfig, *, rngs: nnx.Rngs, dtype: jax.typing.DTypeLike | None = None
    ) -> None:
        """Make the layers; `initialisation.initialise` draws their weights much faster.

        Args:
            config: size and shape.
            rngs: stream `params`.
            dtype: in which the layers compute, bfloat16 for instance. Weights and output are
                float32 whatever it is.
        """

    @abstractmethod
    def __call__(
        self,
        x: Array,
        t: Array,
        labels: Array | None = None,
        *,
        told: Array | None = None,
        rngs: nnx.Rngs | None = None,
    ) -> Array:
        """Return the prediction, of the shape of x.

        Args:
            x: (B, H, W, C), the noisy images.
            t: (B,), their times, 0 .. T - 1.
            labels: (B,) int32, classes 0 .. num_classes - 1; -1, like leaving them out, is no
                class.
            told: (B, embed.width), added to the embedding: what else a network is told while it
                learns.
            rngs: stream `dropout`, needed while training with dropout.

        Raises:
            InputError: if there are labels, and the network knows no classes.
        """
