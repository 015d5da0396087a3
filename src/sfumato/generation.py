"""From settings and a checkpoint to samples: what the scripts that sample have in common."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import create_model
from tqdm import tqdm

from sfumato.backend import describe
from sfumato.checkpoint import load_checkpoint
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section
from sfumato.config.model import UNetConfig
from sfumato.config.sampling import SamplerConfig, SamplingConfig, sampler_section
from sfumato.config.seed import Seed
from sfumato.predictor import noise_predictor
from sfumato.provenance import COMPUTING, provenance
from sfumato.randomness import stage_key
from sfumato.samplers import sampler_class
from sfumato.sampling import Samples, sample
from sfumato.schedule import make_schedule
from sfumato.timesteps import spaced_timesteps


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
    settings: GenerationSettings,
    sampler: str,
    checkpoint: Path,
    n_samples: int,
    snapshots: Sequence[int] = (),
) -> tuple[Samples, dict[str, Any]]:
    """Restore the network and draw samples 0 .. n_samples - 1, with a progress bar on stderr.

    Returns:
        The samples, and the provenance of what `script` makes of them.
    """
    run: SamplerConfig = getattr(settings, sampler)
    diffusion = settings.diffusion
    timesteps = spaced_timesteps(diffusion.noise_steps, run.steps, run.spacing)
    unet, manifest = load_checkpoint(checkpoint, settings.model, diffusion)
    schedule = make_schedule(diffusion)
    micro_batch = settings.sampling.micro_batch
    n_batches = -(-n_samples // micro_batch)
    with tqdm(total=n_batches * run.steps, desc=sampler, unit="step") as bar:
        samples = sample(
            noise_predictor(unet, schedule, diffusion.prediction_type),
            schedule,
            sampler_class(sampler)(**run.settings()),
            timesteps=timesteps,
            key=stage_key(settings.seed, "sampling"),
            n_samples=n_samples,
            image_shape=settings.model.input_dim,
            micro_batch=micro_batch,
            snapshots=snapshots,
            progress=bar.update,
        )
    record = provenance(
        script,
        settings,
        packages=COMPUTING,
        inputs={"checkpoint": {key: manifest[key] for key in ("digest", "provenance")}},
        device=describe(),
        modules=[f"sfumato.samplers.{sampler}"],
    )
    return samples, record
