"""Section `trajectory`: the denoising trajectory of sample 0."""

from pydantic import Field

from sfumato.config.fields import Section, Whole


class SnapshotConfig(Section):
    """How many states of the chain are kept for the figure, and at most for the animation."""

    snapshots: Whole = Field(default=6, ge=1, le=100)
    """Columns of the figure, from pure noise to the finished image."""
    frames: Whole = Field(default=51, ge=2, le=1000)
    """Frames of the animation; a chain of fewer steps has fewer."""


class TrajectoryConfig(SnapshotConfig):
    """The whole section."""

    of: str = "ddpm"
    """The entry of `samples` whose sample 0 is followed."""
