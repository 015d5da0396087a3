"""Measured speed: what sampling runs wrote down, and runs side by side."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from sfumato.config.fields import Real, Section, Whole
from sfumato.errors import InputError
from sfumato.records.measurements import Measurement
from sfumato.records.provenance import Record


class Seconds(Section):
    """Wall-clock seconds of a sampling run."""

    compile: Real = Field(ge=0)
    """What the compilation took."""
    run: Real = Field(gt=0)
    """What the sampling itself took."""


class Timing(Measurement):
    """What a sampling run measured: the content of a `*.timing.json`."""

    entry: str
    """The entry of `samples` that was drawn."""
    sampler: str
    """The step rule, a file in `samplers/`."""
    steps: Whole = Field(ge=1)
    """Length of the chain."""
    nfe: Whole = Field(ge=1)
    """Evaluations of the network for a sample."""
    n_samples: Whole = Field(ge=1)
    """How many were drawn."""
    micro_batch: Whole = Field(ge=1)
    """How many went through the network at once, on each device."""
    seconds: Seconds
    """How long it took."""
    device: dict[str, str]
    """What computed."""

    @property
    def seconds_per_sample(self) -> float:
        """Seconds of the chain for a place in a micro-batch; places left empty cost the same."""
        places = -(-self.n_samples // self.micro_batch) * self.micro_batch
        return self.seconds.run / places


class Speed(Measurement):
    """Runs side by side: the content of a `speed.json`."""

    runs: dict[str, Timing]
    """By entry of `samples`."""
    nfe_ratio: dict[str, Real]
    """The first entry's network evaluations over those of each entry."""
    seconds_ratio: dict[str, Real]
    """The first entry's seconds per sample over those of each entry."""
    device: dict[str, str]
    """What computed, the same for all."""


def add_up(shards: Sequence[Timing]) -> Timing:
    """Return the timing of all shards of a run as that of one job: their seconds, one by one.

    Raises:
        InputError: if they are not of one run.
    """
    whole = shards[0].provenance.model_copy(update={"part": None})
    if any(shard.provenance.model_copy(update={"part": None}) != whole for shard in shards):
        raise InputError("--timings: these shards were made in different ways")
    seconds = {
        name: sum(getattr(shard.seconds, name) for shard in shards) for name in Seconds.model_fields
    }
    return shards[0].model_copy(
        update={
            "n_samples": sum(shard.n_samples for shard in shards),
            "seconds": Seconds(**seconds),
            "provenance": whole,
        }
    )


def compare(timings: Mapping[str, Timing], provenance: Record) -> Speed:
    """Divide the first run's network evaluations and seconds by those of each run.

    Seconds count the chain alone, without compilation, for one sample.

    Args:
        timings: by entry of `samples`.
        provenance: of the result.

    Raises:
        InputError: if there is no run, or if they are of two devices, whose times have no ratio.
    """
    if not timings:
        raise InputError("--timings: name at least one timing")
    (name, first), *others = timings.items()
    for other, timing in others:
        if timing.device != first.device:
            raise InputError(
                f"{name} ran on {first.device} and {other} on {timing.device}: sample both on one "
                "device"
            )
    return Speed(
        runs=dict(timings),
        nfe_ratio={each: first.nfe / timing.nfe for each, timing in timings.items()},
        seconds_ratio={
            each: first.seconds_per_sample / timing.seconds_per_sample
            for each, timing in timings.items()
        },
        device=first.device,
        provenance=provenance,
    )
