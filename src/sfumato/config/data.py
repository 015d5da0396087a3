"""Section `data`: the images."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sfumato.config.fields import Conflict, Section, Whole

MOST_IMAGES = {"mnist-5k": 5000, "mnist": 70_000, "fashion-mnist": 70_000}
MOST_TEST_IMAGES = {"mnist": 10_000, "fashion-mnist": 10_000}
"""How many images there are, and how many of them the publishers hold out for testing."""


class DataConfig(Section):
    """Which images, and how many of them are held out for testing."""

    source: Literal["mnist-5k", "mnist", "fashion-mnist", "images", "noise"] = "mnist-5k"
    """The data set: from a package, from IDX files, from your own files, or uniform noise."""
    folder: str | None = Field(default=None, min_length=1)
    """The folder of the files; null downloads IDX files."""
    url: str | None = Field(default=None, min_length=1)
    """Another server to download from; null for the publishers'."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How pictures with another aspect ratio are fitted to the size of the network's images."""
    n_images: Whole = Field(default=5000, ge=2, le=1_000_000)
    """How many images are used."""
    n_test: Whole = Field(default=500, ge=1)
    """How many of them are held out for testing."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        most, most_test = MOST_IMAGES.get(self.source), MOST_TEST_IMAGES.get(self.source)
        if most and self.n_images > most:
            raise Conflict("n_images", f"must be at most {most}, the size of {self.source}")
        if self.n_test >= self.n_images:
            raise Conflict("n_test", f"must be less than n_images ({self.n_images})")
        if most_test and self.n_test > most_test:
            raise Conflict("n_test", f"must be at most {most_test}: {self.source} has no more")
        if most and most_test and self.n_images - self.n_test > most - most_test:
            raise Conflict(
                "n_test",
                f"leaves {self.n_images - self.n_test} images to train on: {self.source} has "
                f"{most - most_test}",
            )
        if self.source == "images" and not self.folder:
            raise Conflict("folder", "must name the folder of the pictures, for the source images")
        return self
