"""Section `forward`: the forward-diffusion figure."""

from pydantic import Field

from sfumato.config.fields import Section, Whole


class ForwardConfig(Section):
    """Which test image is noised, and the timesteps at which it is shown."""

    index: Whole = Field(default=5, ge=0)
    """Index of the test image."""
    timesteps: tuple[Whole, ...] = Field(
        default=(0, 250, 500, 750, 999), min_length=1, max_length=100
    )
    """The times shown."""
