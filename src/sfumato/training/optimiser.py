"""The optimiser: AdamW on a clipped gradient, and its learning rate."""

import jax
import optax

from sfumato.config.training import TrainingConfig


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
