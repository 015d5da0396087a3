"""What the config says of every network: its images, its classes, and which network it is."""

from typing import Self

from pydantic import Field, model_validator

from sfumato.config.fields import Conflict, Section, Whole


class ImageConfig(Section):
    """The shape of the images: all that loading them needs to know of the network."""

    input_dim: tuple[Whole, ...] = Field(default=(28, 28, 1), min_length=3, max_length=3)
    """Height, width and channels of an image, each from 1 to 4096."""

    @model_validator(mode="after")
    def _check_input_dim(self) -> Self:
        if not all(1 <= size <= 4096 for size in self.input_dim):
            raise Conflict("input_dim", "must be [height, width, channels], each from 1 to 4096")
        return self


class NetworkConfig(ImageConfig):
    """What every network has; its own section gives `architecture` a default and adds its size."""

    architecture: str
    """Which network: the name of its file in `networks/`."""
    num_classes: Whole = Field(default=0, ge=0, le=100_000)
    """How many classes the network can be asked for; 0 trains without labels."""

    def deaf(self) -> str:
        """Say why a network of these settings hears nothing of time and class; "" if it does."""
        return ""

    @model_validator(mode="after")
    def _check_architecture(self) -> Self:
        ours = type(self).model_fields["architecture"].default
        if self.architecture != ours:
            raise Conflict("architecture", f"must be {ours}, the network of these settings")
        return self
