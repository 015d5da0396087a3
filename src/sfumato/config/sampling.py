"""Section `sampling`: how the sampling loop uses the machine."""

from pydantic import Field

from sfumato.config.fields import Section, Whole

CPU_MICRO_BATCH, ACCELERATOR_MICRO_BATCH = 2, 8
"""The defaults: a core is about as fast with two at a time as with more."""


class SamplingConfig(Section):
    """How the sampling loop uses the machine."""

    micro_batch: Whole | None = Field(default=None, ge=1, le=65_536)
    """How many samples go through the network at once on each device; null: 2 on a CPU, else 8."""

    def on(self, backend: str) -> int:
        """Return how many samples go through the network at once on a device of `backend`."""
        usual = CPU_MICRO_BATCH if backend == "cpu" else ACCELERATOR_MICRO_BATCH
        return self.micro_batch or usual

    def in_a_shard(self) -> int:
        """Return the number of samples of which every shard holds a multiple, on any device."""
        return self.on("cpu")
