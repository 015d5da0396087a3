"""The optimiser: AdamW on a clipped gradient, its learning rate, and the EMA of the weights."""

import jax
import jax.numpy as jnp
import optax

from sfumato.config.training import TrainingConfig

EMA_WARMUP = 10


def make_optimiser(config: TrainingConfig) -> optax.GradientTransformation:
    """AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) on gradients of norm clip_norm at most.

    Weight decay leaves biases and scales alone: they have one axis.
    """
    return optax.chain(
        optax.clip_by_global_norm(config.clip_norm),
        optax.adamw(
            learning_rate(config),
            weight_decay=config.weight_decay,
            mask=lambda parameters: jax.tree.map(lambda leaf: leaf.ndim > 1, parameters),
        ),
    )


def learning_rate(config: TrainingConfig) -> optax.Schedule:
    """Return the rate by step: a line from 0 over `warmup_steps`, then half a cosine down to 0."""
    return optax.warmup_cosine_decay_schedule(
        0.0, config.learning_rate, config.warmup_steps, config.steps
    )


def ema_decay(step: jax.typing.ArrayLike, decay: float) -> jax.Array:
    """Return the EMA decay of step 0, 1, ..: min(decay, (1 + step) / (10 + step)).

    During this warm-up the average forgets the first weights quickly.
    """
    return jnp.minimum(decay, (1 + step) / (EMA_WARMUP + step))


def update_ema(
    average: optax.Params, weights: optax.Params, step: jax.Array, decay: float
) -> optax.Params:
    """Return the exponential moving average after a step: d average + (1 - d) weights.

    d is `ema_decay(step, decay)`.
    """
    return optax.incremental_update(weights, average, 1 - ema_decay(step, decay))
