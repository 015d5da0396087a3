"""Section `forward`: the forward-diffusion figure."""

from collections.abc import Iterator
from typing import Self

from pydantic import Field

from sfumato.config.fields import Section, Whole

DEFAULT_INDEX = 5


class ForwardConfig(Section):
    """Which test image is noised, and the timesteps at which it is shown."""

    index: Whole | None = Field(default=None, ge=0)
    """Index of the test image; null for 5, or for the last of fewer images."""
    timesteps: tuple[Whole, ...] = Field(
        default=(0, 250, 500, 750, 999), min_length=1, max_length=100
    )
    """The times shown."""

    def shown(self, n_test: int) -> int:
        """Return the index of the image that is shown, of so many."""
        return min(DEFAULT_INDEX, n_test - 1) if self.index is None else self.index

    def filled(self, n_test: int | None) -> Self:
        """Return the section with an index, if it is known how many test images there are."""
        return self if n_test is None else self.model_copy(update={"index": self.shown(n_test)})

    def mistakes(self, noise_steps: int, n_test: int | None) -> Iterator[tuple[str, str]]:
        """Yield what does not fit a schedule and so many test images: where, and what is wrong."""
        for i, t in enumerate(self.timesteps):
            if not 0 <= t < noise_steps:
                yield f"forward.timesteps[{i}]", f"{t} must be from 0 to {noise_steps - 1}"
        if self.index is not None and n_test is not None and self.index >= n_test:
            yield "forward.index", f"{self.index} must be less than data.n_test ({n_test})"
