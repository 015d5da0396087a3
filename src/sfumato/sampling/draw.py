"""From settings and a checkpoint to samples: what the scripts that sample have in common."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
from pydantic import create_model
from tqdm import tqdm

from sfumato.compute.backend import describe, spread_over_cores
from sfumato.compute.randomness import stage_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section
from sfumato.config.model import UNetConfig
from sfumato.config.sampling import SamplerConfig, SamplingConfig, sampler_section
from sfumato.config.fields import Seed
from sfumato.diffusion.schedule import make_schedule
from sfumato.diffusion.times import spaced_timesteps
from sfumato.networks.denoiser import noise_predictor
from sfumato.records.checkpoint import load_checkpoint
from sfumato.records.provenance import COMPUTING, provenance
from sfumato.samplers import sampler_class
from sfumato.sampling.batches import Samples, sample_batches


class GenerationSettings(Section):
    """The sections that sampling reads; the sampler's own section comes to them by its name."""

    seed: Seed
    model: UNetConfig
    diffusion: DiffusionConfig
    sampling: SamplingConfig


def generation_settings(sampler: str, **sections: Any) -> Any:  # noqa: ANN401
    """Return the schema of a run of `sampler`, with further sections added to it."""
    fields: dict[str, Any] = {name: (section, ...) for name, section in sections.items()}
    fields[sampler] = (sampler_section(sampler), ...)
    return create_model("Settings", __base__=GenerationSettings, **fields)


def generate(
    script: str,
    artifact: str,
    settings: GenerationSettings,
    sampler: str,
    checkpoint: Path,
    indices: range,
    snapshots: Sequence[int] = (),
) -> tuple[Iterator[Samples], dict[str, Any]]:
    """Restore the network, to draw the samples `indices` with a progress bar on stderr.

    Returns:
        The samples, batch after batch as they are drawn, and the provenance of the `artifact`
        that `script` makes of them.
    """
    spread_over_cores()
    run: SamplerConfig = getattr(settings, sampler)
    diffusion = settings.diffusion
    unet, manifest = load_checkpoint(checkpoint, settings.model, diffusion)
    schedule = make_schedule(diffusion)
    bar = tqdm(total=len(indices) * run.steps, desc=sampler, unit="evaluation")
    batches = sample_batches(
        noise_predictor(unet, schedule, diffusion.prediction_type),
        schedule,
        sampler_class(sampler)(**run.settings()),
        timesteps=spaced_timesteps(diffusion.noise_steps, run.steps, run.spacing),
        key=stage_key(settings.seed, "sampling"),
        indices=indices,
        image_shape=settings.model.input_dim,
        micro_batch=settings.sampling.on(jax.default_backend()),
        snapshots=snapshots,
        progress=bar.update,
    )
    record = provenance(
        script,
        artifact,
        settings,
        packages=COMPUTING,
        inputs={"checkpoint": {key: manifest[key] for key in ("digest", "provenance")}},
        device=describe(),
        modules=[f"sfumato.samplers.{sampler}"],
    )
    return _until_done(batches, bar), record


def _until_done(batches: Iterator[Samples], bar: tqdm) -> Iterator[Samples]:
    with bar:
        yield from batches
