"""A network that learns from changed images, and is told how each was changed."""

from flax import nnx
from jax import Array
from jax.nn.initializers import zeros

from sfumato.errors import InputError
from sfumato.networks.base import Network
from sfumato.training.augmentation import TOLD


class Told(nnx.Module):
    """A network, and the linear map of what `augmentation` tells, which begins at zero."""

    def __init__(self, network: Network) -> None:
        """Put the map beside a network.

        Raises:
            InputError: if it has no embedding, by which it could be told.
        """
        if not hasattr(network, "embed"):
            raise InputError(
                f"training.augmentation: {network.config.architecture} has no embedding, by which "
                "it is told how an image was changed; set it to 0"
            )
        self.network = network
        self.project = nnx.Linear(
            TOLD,
            network.embed.width,
            use_bias=False,
            kernel_init=zeros,
            dtype=network.embed.dense_1.dtype,
            rngs=nnx.Rngs(0),
        )

    def __call__(
        self,
        x: Array,
        t: Array,
        labels: Array | None = None,
        *,
        told: Array,
        rngs: nnx.Rngs | None = None,
    ) -> Array:
        """Return the prediction of the network; `told` is (B, TOLD), the rest as there."""
        return self.network(x, t, labels, told=self.project(told), rngs=rngs)


def learner(network: Network, augmentation: float) -> Network | Told:
    """Return what is trained: the network alone, where no image is changed."""
    return Told(network) if augmentation else network


def learnt(network: Network, augmentation: float, weights: nnx.State) -> Network:
    """Return a network like this one with the weights of its `learner`."""
    trained = nnx.merge(nnx.graphdef(learner(network, augmentation)), weights)
    return trained.network if isinstance(trained, Told) else trained
