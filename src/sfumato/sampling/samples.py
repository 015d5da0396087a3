"""What sampling returns."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from jax.typing import ArrayLike

from sfumato.errors import InputError


@dataclass(frozen=True)
class Samples:
    """Samples on the host, and how they came about.

    Attributes:
        images: (n_samples, H, W, C) float32, in [-1, 1] where the denoiser clips.
        timesteps: (N,), the times from which a step was taken.
        snapshots: (K, n_samples, H, W, C), the states x_t that were asked for.
        predicted_x_0: (K, n_samples, H, W, C), the prediction of x_0 from each of them; NaN from
            the last state, for which no network was asked, unless it is the data.
        snapshot_timesteps: (K,), the time t of each; -1 is the data.
        seconds: time spent to `compile` the loop and to `run` it.
        nfe: network evaluations of each sample.
    """

    images: np.ndarray
    timesteps: np.ndarray
    snapshots: np.ndarray
    predicted_x_0: np.ndarray
    snapshot_timesteps: np.ndarray
    seconds: dict[str, float]
    nfe: int


def join(batches: Iterable[Samples]) -> Samples:
    """Put batches of one chain together, their seconds added up."""
    parts = list(batches)
    return replace(
        parts[0],
        images=np.concatenate([part.images for part in parts]),
        snapshots=np.concatenate([part.snapshots for part in parts], axis=1),
        predicted_x_0=np.concatenate([part.predicted_x_0 for part in parts], axis=1),
        seconds={name: sum(part.seconds[name] for part in parts) for name in parts[0].seconds},
    )


def finite(name: str, drawn: ArrayLike) -> ArrayLike:
    """Return what was drawn, or raise an InputError if some of it is NaN or infinite."""
    share = np.isfinite(drawn).mean()
    if share < 1:
        raise InputError(
            f"{name}: {1 - share:.1%} of the values drawn are NaN or infinite; look at the "
            "network's weights, at clip, and at the guidance"
        )
    return drawn
