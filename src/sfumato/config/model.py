"""Section `model`: the denoising network."""

from typing import Self

from pydantic import Field, model_validator

from sfumato.config.fields import Conflict, Real, Section, Whole


class ImageConfig(Section):
    """The shape of the images, (H, W, C): all that loading them needs to know of the network."""

    input_dim: tuple[Whole, ...] = Field(default=(28, 28, 1), min_length=3, max_length=3)

    @model_validator(mode="after")
    def _check_input_dim(self) -> Self:
        if not all(1 <= size <= 4096 for size in self.input_dim):
            raise Conflict("input_dim", "must be [height, width, channels], each from 1 to 4096")
        return self


class UNetConfig(ImageConfig):
    """Size and shape of the U-Net; level i has `channels * channel_multipliers[i]` channels.

    Two channels are the fewest: the embedding of time is a sine and a cosine at least.
    """

    patch_size: Whole = Field(default=1, ge=1, le=64)
    channels: Whole = Field(default=32, ge=2, le=4096)
    channel_multipliers: tuple[Whole, ...] = Field(default=(1, 2, 2), min_length=1, max_length=8)
    blocks_per_level: Whole = Field(default=1, ge=1, le=16)
    attention_levels: tuple[Whole, ...] = (2,)
    attention_heads: Whole = Field(default=4, ge=1)
    norm_groups: Whole = Field(default=8, ge=1)
    dropout: Real = Field(default=0.0, ge=0, lt=1)
    num_classes: Whole = Field(default=0, ge=0, le=100_000)

    @property
    def widths(self) -> tuple[int, ...]:
        """The channels of each level, from full resolution down."""
        return tuple(self.channels * multiplier for multiplier in self.channel_multipliers)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if any(size % self.patch_size for size in self.input_dim[:2]):
            raise Conflict("patch_size", "must divide height and width of input_dim evenly")
        if not all(1 <= multiplier <= 64 for multiplier in self.channel_multipliers):
            raise Conflict("channel_multipliers", "must be whole numbers from 1 to 64")
        levels = len(self.channel_multipliers)
        if not all(0 <= level < levels for level in self.attention_levels):
            raise Conflict(
                "attention_levels", f"must be levels of channel_multipliers, 0 to {levels - 1}"
            )
        if len(set(self.attention_levels)) < len(self.attention_levels):
            raise Conflict("attention_levels", "must name each level once")
        for level, width in enumerate(self.widths):
            if width % self.norm_groups:
                raise Conflict(
                    "norm_groups", f"must divide the {width} channels of level {level} evenly"
                )
            if level in self.attention_levels and width % self.attention_heads:
                raise Conflict(
                    "attention_heads", f"must divide the {width} channels of level {level} evenly"
                )
        return self
