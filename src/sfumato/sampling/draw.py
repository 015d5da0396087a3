"""From settings and a checkpoint to samples: what the scripts that draw have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from sfumato.compute.backend import spread_over_cores
from sfumato.compute.randomness import stage_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.labels import in_turn
from sfumato.config.samples import ChainConfig
from sfumato.config.sampling import SamplingConfig
from sfumato.diffusion.prediction import Denoise, Given
from sfumato.diffusion.schedule import Schedule, make_schedule
from sfumato.diffusion.times import spaced_timesteps
from sfumato.errors import InputError
from sfumato.networks.base_config import NetworkConfig
from sfumato.networks.denoiser import make_denoiser
from sfumato.records.checkpoint import load_checkpoint
from sfumato.sampling.batches import nfe, sample_batches
from sfumato.sampling.guided import guided
from sfumato.sampling.samples import Samples


class DrawSettings(Protocol):
    """The sections that drawing reads; `samples` holds the one entry that is drawn."""

    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def model(self) -> NetworkConfig: ...  # noqa: D102
    @property
    def diffusion(self) -> DiffusionConfig: ...  # noqa: D102
    @property
    def sampling(self) -> SamplingConfig: ...  # noqa: D102
    @property
    def samples(self) -> Mapping[str, ChainConfig]: ...  # noqa: D102


@dataclass(frozen=True)
class Entry:
    """An entry of `samples` with a network: all that its chain needs except the indices.

    Attributes:
        name: of the entry.
        config: its settings.
        denoise: the network, guided and clipped as they say.
        schedule: the noise schedule.
        timesteps: (N,), the times that the chain visits.
        key: from which sample i draws.
        image_shape: (H, W, C).
        micro_batch: how many samples go through the network at once on each device.
        inputs: digest and provenance of what it was restored from, by name: the network's
            `checkpoint`, and what its `guidance` reads.
    """

    name: str
    config: ChainConfig
    denoise: Denoise
    schedule: Schedule
    timesteps: np.ndarray
    key: jax.Array
    image_shape: tuple[int, ...]
    micro_batch: int
    inputs: dict[str, dict[str, Any]]

    @classmethod
    def restore(
        cls, settings: DrawSettings, checkpoint: Path, stream: int, guidance: Sequence[Path] = ()
    ) -> Self:
        """Restore the network of a checkpoint, and let jax see each core as a device.

        Args:
            settings: what is drawn.
            checkpoint: the folder.
            stream: number of the random stream.
            guidance: the file that the entry's guidance reads, if it reads any.

        Raises:
            InputError: unless the settings name exactly one entry, and the checkpoint fits them.
        """
        if len(settings.samples) != 1:
            raise InputError(f"samples: {len(settings.samples)} entries; one is drawn at a time")
        spread_over_cores()
        ((name, config),) = settings.samples.items()
        diffusion = settings.diffusion
        network, manifest = load_checkpoint(checkpoint, settings.model, diffusion)
        inputs = {"checkpoint": {key: manifest[key] for key in ("digest", "provenance")}}
        if config.guidance and config.guidance.reads:
            config, inputs["guidance"] = _restored(config, guidance, settings)
        schedule = make_schedule(diffusion)
        steps = config.length(diffusion.noise_steps)
        seed = settings.seed if config.seed is None else config.seed
        return cls(
            name,
            config,
            guided(make_denoiser(network, schedule, diffusion.prediction_type), schedule, config),
            schedule,
            spaced_timesteps(diffusion.noise_steps, steps, config.spacing),
            stage_key(seed, stream),
            tuple(settings.model.input_dim),
            settings.sampling.on(jax.default_backend()),
            inputs,
        )

    @property
    def nfe(self) -> int:
        """Network evaluations of a sample."""
        return nfe(self.denoise, self.config.sampler, [*self.timesteps, -1])

    def draw(self, indices: range, snapshots: Sequence[int] = ()) -> Iterator[Samples]:
        """Draw samples, batch after batch, with a progress bar on stderr."""
        with tqdm(total=len(indices) * self.nfe, desc=self.name, unit="evaluation") as bar:
            yield from sample_batches(
                self.denoise,
                self.schedule,
                self.config.sampler,
                timesteps=self.timesteps,
                key=self.key,
                indices=indices,
                image_shape=self.image_shape,
                micro_batch=self.micro_batch,
                given=self._given(indices),
                snapshots=snapshots,
                progress=bar.update,
            )

    def _given(self, indices: range) -> Given:
        """Return what is known of each sample: its class, where the entry asks for any."""
        if self.config.labels is None:
            return {}
        return {"labels": jnp.array(in_turn(self.config.labels, indices), jnp.int32)}


def _restored(
    config: ChainConfig, files: Sequence[Path], settings: DrawSettings
) -> tuple[ChainConfig, dict[str, Any]]:
    """Return an entry whose guidance has what it reads, and the origin of that."""
    from sfumato.sampling.restoring import restore

    if len(files) != 1:
        raise InputError(f"--guidance: {len(files)} files; this entry's guidance reads one")
    guidance, origin = restore(config.guidance, files[0], settings.model, settings.diffusion)
    return config.model_copy(update={"guidance": guidance}), origin
