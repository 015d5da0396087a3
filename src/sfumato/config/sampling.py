"""Section `sampling`, and the section that each sampler has under its own name."""

from functools import cache
from typing import Any, Literal

from pydantic import Field, create_model

from sfumato.config.fields import Section, Whole
from sfumato.samplers import sampler_class

CPU_MICRO_BATCH, ACCELERATOR_MICRO_BATCH = 2, 8
"""Where nothing else is asked for: a core is about as fast with two as with more at a time."""


class SamplingConfig(Section):
    """How the sampling loop uses the machine."""

    micro_batch: Whole | None = Field(default=None, ge=1, le=65_536)

    def on(self, backend: str) -> int:
        """Return how many samples go through the network at once on a device of `backend`."""
        usual = CPU_MICRO_BATCH if backend == "cpu" else ACCELERATOR_MICRO_BATCH
        return self.micro_batch or usual

    def in_a_shard(self) -> int:
        """Return of how many samples shards are multiples, on whatever device they are drawn."""
        return self.on("cpu")


class SamplerConfig(Section):
    """What a run of any sampler needs; the sampler's own settings are added to it."""

    n_samples: Whole = Field(default=8, ge=1, le=10_000_000)
    steps: Whole = Field(default=1000, ge=1)
    spacing: Literal["leading", "linspace", "trailing"] = "trailing"

    def settings(self) -> dict[str, Any]:
        """Return the sampler's own settings, the arguments of its class."""
        return self.model_dump(exclude=set(SamplerConfig.model_fields))


@cache
def sampler_section(name: str) -> type[SamplerConfig]:
    """Return the schema of sampler `name`'s section: SamplerConfig and the sampler's fields."""
    sampler = sampler_class(name)
    fields: dict[str, Any] = {
        key: (info.annotation, info) for key, info in sampler.__pydantic_fields__.items()
    }
    if sampler.default_steps is not None:
        fields["steps"] = (Whole, Field(default=sampler.default_steps, ge=1))
    return create_model(f"{sampler.__name__}Config", __base__=SamplerConfig, **fields)
