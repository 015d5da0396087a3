"""Section `trajectory`: the denoising trajectory of DDPM sample 0."""

from pydantic import Field

from sfumato.config.fields import Section, Whole


class TrajectoryConfig(Section):
    """How many states of the chain the figure shows, and the animation (a short chain has fewer)."""

    snapshots: Whole = Field(6, ge=2, le=100)
    frames: Whole = Field(51, ge=2, le=1000)
