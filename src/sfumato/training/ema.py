"""The exponential moving average (EMA) of the weights, with which samples are drawn."""

import jax
import jax.numpy as jnp
import optax

EMA_WARMUP = 10


def ema_decay(step: jax.typing.ArrayLike, decay: float) -> jax.Array:
    """Return the EMA decay of step 0, 1, ..: min(decay, (1 + step) / (10 + step)).

    During this warm-up, that of TensorFlow's `ExponentialMovingAverage` with `num_updates`, the
    average forgets the first weights quickly.
    """
    return jnp.minimum(decay, (1 + step) / (EMA_WARMUP + step))


def update_ema(
    average: optax.Params, weights: optax.Params, step: jax.Array, decay: float
) -> optax.Params:
    """Return the exponential moving average after a step: d average + (1 - d) weights.

    d is `ema_decay(step, decay)`.
    """
    return optax.incremental_update(weights, average, 1 - ema_decay(step, decay))
