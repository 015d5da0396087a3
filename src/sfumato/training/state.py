"""All that a training run carries from step to step."""

from typing import NamedTuple, Self

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from sfumato.config.training import TrainingConfig
from sfumato.networks.base import Network
from sfumato.training.optimiser import make_optimiser
from sfumato.training.told import learner

HISTORY = ("loss", "learning_rate", "gradient_norm")
"""What is recorded of each step."""


class TrainingState(NamedTuple):
    """All that a run needs to continue: a pytree of arrays.

    Attributes:
        parameters: the weights, float32.
        average: their exponential moving average, with which samples are drawn.
        optimiser: the moments of AdamW and its count of steps.
        step: steps taken.
        key: data of the run's random key, which is fixed.
        history: (steps, 3), the columns of HISTORY; zero where no step was taken yet.
    """

    parameters: nnx.State
    average: nnx.State
    optimiser: optax.OptState
    step: jax.Array
    key: jax.Array
    history: jax.Array

    @classmethod
    def start(cls, network: Network, training: TrainingConfig, key: jax.Array) -> Self:
        """Return the state before the first step, of arrays of its own, which a step consumes."""
        parameters = nnx.state(learner(network, training.augmentation), nnx.Param)
        parameters = jax.tree.map(lambda weight: weight.astype(jnp.float32), parameters)
        state = cls(
            parameters,
            parameters,
            make_optimiser(training).init(parameters),
            jnp.zeros((), jnp.int32),
            jax.random.key_data(key),
            jnp.zeros((training.steps, len(HISTORY))),
        )
        return jax.tree.map(jnp.copy, state)
