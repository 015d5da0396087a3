"""Section `forward`: the forward-diffusion figure."""

from collections.abc import Iterator

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

    def mistakes(self, noise_steps: int, n_test: int) -> Iterator[tuple[str, str]]:
        """Walk what does not fit a schedule and so many test images: where, and what is wrong."""
        for i, t in enumerate(self.timesteps):
            if not 0 <= t < noise_steps:
                yield f"forward.timesteps[{i}]", f"{t} must be from 0 to {noise_steps - 1}"
        if self.index >= n_test:
            yield "forward.index", f"{self.index} must be less than data.n_test ({n_test})"
