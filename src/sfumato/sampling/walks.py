"""The chains of one set of samples: a plain one, or those that its edit makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sfumato.config.samples import ChainConfig
from sfumato.diffusion.prediction import Denoise, Given
from sfumato.diffusion.schedule import Schedule
from sfumato.editing.base import Around, Arrays, Asked, Known, Walk, check
from sfumato.guidance.clipping import clipping
from sfumato.sampling.batches import nfe, sample_batches
from sfumato.sampling.samples import Samples, join


@dataclass(frozen=True)
class Walks:
    """What the samples of an entry, or of a call, walk.

    Attributes:
        config: which sampler, guidance and edit.
        network: the denoiser that they ask, as it is.
        schedule: the noise schedule.
        key: from which sample i draws.
        image_shape: (H, W, C).
        total: how many samples there are in all.
        arrays: what the edit's files hold; without an edit, `noise` to start from, if there is any.
    """

    config: ChainConfig
    network: Denoise
    schedule: Schedule
    key: jax.Array
    image_shape: tuple[int, ...]
    total: int
    arrays: Arrays = field(default_factory=dict)

    @cached_property
    def denoise(self) -> Denoise:
        """The network, guided and edited as the entry says, clipping outermost."""
        config, denoise = self.config, self.network
        denoise = config.guidance(denoise, self.schedule) if config.guidance else denoise
        around = clipping(config.clip, config.percentile)
        if config.edit:  # which may have something between the two
            return config.edit.denoiser(denoise, self.schedule, around)
        return around(denoise, self.schedule) if around else denoise

    @cached_property
    def walks(self) -> tuple[Walk, ...]:
        """The chains, one after the other; the last one ends in the samples.

        Raises:
            InputError: if the edit does not fit the rest.
        """
        config, noise_steps = self.config, self.schedule.noise_steps
        times = np.append(config.times(self.schedule), -1).astype(np.int32)
        if config.edit is None:
            start = Known("noise") if "noise" in self.arrays else None
            return (Walk(config.sampler, times, start),)
        images = self.arrays.get("images")
        n_images = None if images is None else len(images)
        sizes = (noise_steps, self.image_shape, self.total, n_images)
        around = Around(config.sampler, config.clip, times, *sizes)
        check(config.edit, around)
        return config.edit.walks(around)

    @property
    def timesteps(self) -> np.ndarray:
        """(N,), the times from which the last chain takes a step."""
        return self.walks[-1].times[:-1]

    @property
    def nfe(self) -> int:
        """Network evaluations of a sample, over all its chains."""
        return sum(nfe(self.denoise, walk.sampler, walk.times) for walk in self.walks)

    @property
    def nfe_of_last(self) -> int:
        """Those along the last chain."""
        return nfe(self.denoise, self.walks[-1].sampler, self.walks[-1].times)

    def begin(
        self,
        indices: range,
        given: Given,
        **options: Any,  # noqa: ANN401 (those of sample_batches)
    ) -> tuple[Given, Counter[str]]:
        """Walk all chains but the last.

        Args:
            indices: which samples.
            given: what is known of them, besides what the edit knows.
            options: those of `sample_batches`.

        Returns:
            All that is known of each sample, with where these chains ended; the seconds they took.
        """
        seconds: Counter[str] = Counter()
        if self.config.edit:
            sizes = (self.total, self.schedule.noise_steps, self.image_shape)
            asked = Asked(self.key, indices, *sizes, self.arrays)
            given = {**given, **self.config.edit.given(asked)}
        elif "noise" in self.arrays:
            given = {**given, "noise": jnp.asarray(self.arrays["noise"][np.asarray(indices)])}
        for walk in self.walks[:-1]:
            drawn = join(self._walk(walk, indices, given, **options))
            given = {**given, walk.result: jnp.asarray(drawn.images)}
            seconds.update(drawn.seconds)
        return given, seconds

    def end(
        self,
        indices: range,
        given: Given,
        **options: Any,  # noqa: ANN401 (those of sample_batches)
    ) -> Iterator[Samples]:
        """Walk the last chain, as many samples at a time as the devices take at once."""
        return self._walk(self.walks[-1], indices, given, **options)

    def shown(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return what is written beside the samples: what the edit began with."""
        return self.config.edit.shown(given) if self.config.edit else {}

    def _walk(
        self,
        walk: Walk,
        indices: range,
        given: Given,
        **options: Any,  # noqa: ANN401
    ) -> Iterator[Samples]:
        edit = self.config.edit
        return sample_batches(
            self.denoise,
            self.schedule,
            walk.sampler,
            timesteps=walk.times[:-1],
            end=int(walk.times[-1]),
            start=walk.start,
            key=self.key,
            indices=indices,
            image_shape=self.image_shape,
            given=given,
            devices=1 if edit and edit.differentiates else None,
            **options,
        )
