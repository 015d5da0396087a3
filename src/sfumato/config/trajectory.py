"""Section `trajectory`: the denoising trajectory of DDPM sample 0."""

from pydantic import Field

from sfumato.config.fields import Section, Whole


class TrajectoryConfig(Section):
    """How many states of the chain are kept for the figure, and at most for the animation."""

    snapshots: Whole = Field(default=6, ge=1, le=100)
    frames: Whole = Field(default=51, ge=2, le=1000)
