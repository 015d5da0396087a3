"""Measured speed: what the sampling runs wrote down, DDPM beside DDIM."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field

from sfumato.config.fields import Real, Section, Whole
from sfumato.errors import InputError
from sfumato.records.arrays import write_whole
from sfumato.records.provenance import Record


class Seconds(Section):
    """Wall-clock seconds of a sampling run."""

    compile: Real = Field(ge=0)
    run: Real = Field(gt=0)


class Measurement(Section):
    """What says itself what made it: the content of a JSON file of the workflow."""

    provenance: Record


class Timing(Measurement):
    """What a sampling run measured: the content of a `*.timing.json`."""

    sampler: str
    steps: Whole = Field(ge=1)
    n_samples: Whole = Field(ge=1)
    micro_batch: Whole = Field(ge=1)
    seconds: Seconds
    device: dict[str, str]

    @property
    def seconds_per_sample(self) -> float:
        """Seconds of the loop for a place in a micro-batch; those that fill it up cost the same."""
        places = -(-self.n_samples // self.micro_batch) * self.micro_batch
        return self.seconds.run / places


class Speed(Measurement):
    """DDPM beside DDIM: the content of a `speed.json`."""

    ddpm: Timing
    ddim: Timing
    steps_ratio: Real
    seconds_ratio: Real
    device: dict[str, str]


Content = TypeVar("Content", bound=BaseModel)


def load_json(schema: type[Content], path: Path) -> Content:
    """Read a Timing or a Speed; an InputError says what is wrong with the file."""
    try:
        return schema.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except ValueError as error:
        name = schema.__name__.lower()
        reason = str(error).splitlines()[1] if "\n" in str(error) else error
        raise InputError(f"{path}: this is not a {name} of this workflow ({reason})") from None


def save_json(path: Path, content: BaseModel) -> None:
    """Write a Timing or a Speed."""
    text = content.model_dump_json(indent=2, exclude_none=True) + "\n"
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def origin(content: Measurement) -> dict[str, Any]:
    """Return digest and provenance of a measurement, for the provenance of what is made of it."""
    made = content.provenance.model_dump(exclude_none=True)
    text = content.model_dump_json(exclude={"provenance"})
    return {"digest": hashlib.sha256(text.encode()).hexdigest(), "provenance": made}


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


def compare(ddpm: Timing, ddim: Timing, provenance: Record) -> Speed:
    """Say how many times DDIM's steps and seconds DDPM takes.

    Seconds count the loop alone, without compilation, for one sample.

    Raises:
        InputError: if the runs are of other samplers, or of two devices, whose times have no ratio.
    """
    for name, timing in (("ddpm", ddpm), ("ddim", ddim)):
        if timing.sampler != name:
            raise InputError(f"--{name}: this timing is of {timing.sampler}")
    if ddpm.device != ddim.device:
        raise InputError(
            f"DDPM ran on {ddpm.device} and DDIM on {ddim.device}: sample both on one device"
        )
    return Speed(
        ddpm=ddpm,
        ddim=ddim,
        steps_ratio=ddpm.steps / ddim.steps,
        seconds_ratio=ddpm.seconds_per_sample / ddim.seconds_per_sample,
        device=ddpm.device,
        provenance=provenance,
    )
