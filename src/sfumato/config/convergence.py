"""Section `convergence`: how fast the images of samplers settle as they take more steps."""

from typing import Annotated

from pydantic import Field, field_validator

from sfumato.config.fields import Flag, Section, Whole
from sfumato.config.samples import SAMPLER, SampleConfig, Spacing
from sfumato.config.sweep import SweepConfig
from sfumato.config.validation import validate


class ConvergenceConfig(Section):
    """Whose images are compared with those of many steps, and after how few."""

    of: tuple[str, ...] = Field(default=("ddim", "heun", "dpm_solver", "unipc"), min_length=1)
    """Entries of `samples`; or samplers, with the defaults of their knobs."""
    steps: tuple[Annotated[Whole, Field(ge=1)], ...] = Field(
        default=(5, 10, 20, 50, 100), min_length=2
    )
    """The numbers of steps that are compared with the reference, each less than it."""
    reference: Whole | None = Field(default=None, ge=2, le=100_000)
    """Steps of the image that others are compared with; null for diffusion.noise_steps."""
    n_samples: Whole = Field(default=4, ge=1, le=10_000)
    """Over how many samples distances are averaged."""
    clip: Flag = False
    """Clip predictions of x_0, of all that is compared; where one is clipped, no order holds."""
    spacing: Spacing = "logsnr"
    """Which times are visited, by all that is compared."""

    @field_validator("of", "steps")
    @classmethod
    def _once(cls, values: tuple[object, ...]) -> tuple[object, ...]:
        if len({*values}) < len(values):
            raise ValueError("must name each once")
        return values

    def entries(self, samples: dict[str, SampleConfig]) -> dict[str, SampleConfig]:
        """Return what may be varied, by name: `samples`, and samplers as they are."""
        usual = {
            name: validate(SampleConfig, {"sampler": name}, "convergence.of")
            for name in self.of
            if name not in samples
        }
        return {**samples, **usual}

    def sweep(self, name: str, reference: int) -> SweepConfig:
        """Return one of them as a sweep over the steps, those of the reference last."""
        return SweepConfig(
            of=name,
            over={
                "steps": [*self.steps, reference],
                "n_samples": [self.n_samples],
                "clip": [self.clip],
                "spacing": [self.spacing],
            },
        )

    def known(self, samples: dict[str, SampleConfig]) -> tuple[str, ...]:
        """Return all that `of` may name."""
        return tuple(dict.fromkeys([*samples, *SAMPLER.known]))
