"""Section `data`: the images."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from sfumato.config.fields import Conflict, Section, Whole

MOST_IMAGES = {"mnist-5k": 5000, "mnist": 70_000, "fashion-mnist": 70_000}
MOST_TEST_IMAGES = {"mnist": 10_000, "fashion-mnist": 10_000}
"""How many images there are, and how many of them the publishers hold out for testing."""
NOISE_IMAGES = 5000
"""How many images of noise are drawn, where nothing says so."""
SHARE = 10
"""Of so many images one is held out for testing, where nothing says so."""


CLASSES = {"mnist-5k": 10, "mnist": 10, "fashion-mnist": 10, "noise": 0}
"""How many classes there are, where the source says so."""


@dataclass(frozen=True)
class Facts:
    """What is known of the images before they are loaded."""

    count: int
    """How many there are."""
    classes: int
    """How many classes they are of."""
    unlabelled: int = 0
    """How many are of none of these."""
    digest: str | None = None
    """Of the user's pictures; None for other sources, which cannot differ."""
    left_out: str = ""
    """What was left out of the folder, and why; empty if nothing was."""


class LoadedConfig(Section):
    """Which images they are, wherever their files lie."""

    source: Literal["mnist-5k", "mnist", "fashion-mnist", "images", "noise"] = "mnist-5k"
    """The data set: from a package, from IDX files, from your own files, or uniform noise."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How pictures with another aspect ratio are fitted to the size of the network's images."""
    n_images: Whole | None = Field(default=None, ge=2, le=1_000_000)
    """How many images are used; null for all, of noise for 5,000."""
    n_test: Whole | None = Field(default=None, ge=1)
    """How many of them are held out for testing; null for a tenth, or as their publishers do."""
    digest: str | None = Field(default=None, min_length=1)
    """The sha256 that your own pictures must have, names and contents; null for any."""

    def filled(self, count: int | None = None) -> Self:
        """Return the section with the numbers that it leaves open.

        Args:
            count: how many pictures are in the folder of the source `images`; left out, a number
                that follows from it stays open.
        """
        there = {**MOST_IMAGES, "noise": NOISE_IMAGES}.get(self.source, count)
        total = self.n_images or there
        if total is None:
            return self
        most_test = MOST_TEST_IMAGES.get(self.source)
        most_train = MOST_IMAGES[self.source] - most_test if most_test else total
        if self.n_images is None and self.n_test is not None:
            total = min(total, most_train + self.n_test) if most_test else total
        n_test = self.n_test or max(total // SHARE, 1, total - most_train)
        return self.model_copy(update={"n_images": total, "n_test": n_test})

    @property
    def facts(self) -> Facts | None:
        """What the source says of its images; None for the user's pictures."""
        if self.source not in CLASSES:
            return None
        count, classes = self.filled().n_images or 0, CLASSES[self.source]
        return Facts(count, classes, unlabelled=0 if classes else count)

    def mistakes(self, count: int) -> Iterator[tuple[str, str]]:
        """Yield what does not fit a folder of so many pictures: where, and what is wrong."""
        if count < 2:  # noqa: PLR2004
            yield "data.folder", "1 picture is too few: at least one to train with and one to test"
        elif (self.n_images or 0) > count:
            yield "data.n_images", f"{self.n_images} must be at most {count}, as many as there are"
        elif (self.n_test or 0) >= (self.n_images or count):
            most = self.n_images or count
            yield "data.n_test", f"{self.n_test} must be less than {most}, the number of images"


class DataConfig(LoadedConfig):
    """The whole section: which images, how many to test with, and where their files are."""

    folder: str | None = Field(default=None, min_length=1)
    """The folder of the files; IDX files that are not there are downloaded."""
    url: str | None = Field(default=None, min_length=1)
    """Another server to download from; null for the publishers'."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        most, most_test = MOST_IMAGES.get(self.source), MOST_TEST_IMAGES.get(self.source)
        if most and (self.n_images or 0) > most:
            raise Conflict("n_images", f"must be at most {most}, the size of {self.source}")
        filled = self.filled()
        if filled.n_images and filled.n_test:
            _check_split(self.source, filled.n_images, filled.n_test, most, most_test)
        if self.source == "images" and not self.folder:
            raise Conflict("folder", "must name the folder of the pictures, for the source images")
        return self


def _check_split(
    source: str, n_images: int, n_test: int, most: int | None, most_test: int | None
) -> None:
    """Raise a Conflict unless so many images can be split so."""
    if n_test >= n_images:
        raise Conflict("n_test", f"must be less than n_images ({n_images})")
    if most_test and n_test > most_test:
        raise Conflict("n_test", f"must be at most {most_test}: {source} has no more")
    if most and most_test and n_images - n_test > most - most_test:
        left, has = n_images - n_test, most - most_test
        raise Conflict("n_test", f"leaves {left} images to train on: {source} has {has}")
