"""The likelihood of the first images of several sets, one batch after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import jax
import numpy as np

from sfumato.config.likelihood import LikelihoodConfig
from sfumato.diffusion.prediction import Denoise
from sfumato.diffusion.schedule import Schedule
from sfumato.errors import InputError
from sfumato.evaluation.bits import Estimate, SetOfImages
from sfumato.evaluation.likelihood import Terms, bits, terms
from sfumato.evaluation.quantise import quantise
from sfumato.progress import Progress


def look(
    denoise: Denoise,
    schedule: Schedule,
    sets: Mapping[str, np.ndarray],
    config: LikelihoodConfig,
    *,
    key: jax.Array,
) -> list[SetOfImages]:
    """Measure the first images of each set.

    Args:
        denoise: of the network, not clipped.
        schedule: the noise schedule.
        sets: images (N, H, W, C) by name, in [-1, 1]; they are rounded to 256 levels.
        config: how many, and how.
        key: image i of any set draws from fold_in(fold_in(key, i), t).

    Raises:
        InputError: if the images of one set are not of the shape of the others.
    """
    shapes = {name: images.shape[1:] for name, images in sets.items()}
    first, wanted = next(iter(shapes.items()))
    for name, shape in shapes.items():
        if shape != wanted:
            raise InputError(f"likelihood: images of {name} are {shape}, those of {first} {wanted}")
    chosen = {name: quantise(images[: config.n_images]) for name, images in sets.items()}
    total = sum(map(len, chosen.values()))
    with Progress(total, "likelihood", "image") as bar:
        found = []
        for name, images in chosen.items():
            batches = []
            for indices in _cut(len(images), min(config.micro_batch, config.n_images)):
                options = {"key": key, "steps": config.steps, "probes": config.probes}
                batch = images[indices]
                batches.append(terms(denoise, schedule, batch, indices=indices, **options))
                bar.update(len(np.unique(indices)))
            found.append(_summary(name, images.shape[1:], len(images), batches))
    return found


def _cut(n_images: int, size: int) -> Iterator[np.ndarray]:
    """Cut the numbers of images into batches of one size, the last filled up with its last one."""
    for first in range(0, n_images, size):
        yield np.minimum(np.arange(first, first + size), n_images - 1)


def _summary(name: str, shape: tuple[int, ...], n_images: int, batches: list[Terms]) -> SetOfImages:
    whole = Terms(*(np.concatenate(parts)[:n_images] for parts in zip(*batches, strict=True)))

    def estimate(nats: np.ndarray) -> Estimate:
        values = bits(nats, shape)
        error = values.std(ddof=1) / np.sqrt(n_images) if n_images > 1 else 0.0
        return Estimate(mean=float(values.mean()), error=float(error))

    return SetOfImages(
        name=name,
        n_images=n_images,
        bound=estimate(whole.bound()),
        flow=estimate(whole.along_the_flow()),
        prior=estimate(whole.prior),
        chain=estimate(whole.chain.sum(axis=1)),
        pixels=estimate(whole.pixels),
        terms=tuple(float(f"{each:.6g}") for each in bits(whole.chain.mean(axis=0), shape)),
    )
