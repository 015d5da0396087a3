"""The size and shape of the U-Net."""

from typing import Self

from pydantic import Field, model_validator

from sfumato.config.fields import Conflict, Real, Whole
from sfumato.networks.base_config import NetworkConfig


class UNetConfig(NetworkConfig):
    """Size and shape of the U-Net; level i has `channels * channel_multipliers[i]` channels."""

    architecture: str = "unet"
    """Which network: the U-Net."""
    patch_size: Whole = Field(default=1, ge=1, le=64)
    """Side of the square blocks of pixels that become channels; it divides height and width."""
    channels: Whole = Field(default=32, ge=2, le=4096)
    """Channels at full resolution; at least 2, for the sine and the cosine that embed the time."""
    channel_multipliers: tuple[Whole, ...] = Field(default=(1, 2, 2), min_length=1, max_length=8)
    """Channels of each level, from full resolution down, as multiples of `channels`."""
    blocks_per_level: Whole = Field(default=1, ge=1, le=16)
    """Residual blocks at each level, on the way down and again on the way up."""
    attention_levels: tuple[Whole, ...] = (2,)
    """Levels whose blocks have self-attention; 0 is full resolution."""
    attention_heads: Whole = Field(default=4, ge=1)
    """Heads of each self-attention; they divide the channels of its level evenly."""
    norm_groups: Whole = Field(default=8, ge=1)
    """Groups of each group normalisation; they divide the channels of every level evenly."""
    dropout: Real = Field(default=0.0, ge=0, lt=1)
    """Probability with which a residual block drops a value while training."""

    @property
    def widths(self) -> tuple[int, ...]:
        """The channels of each level, from full resolution down."""
        return tuple(self.channels * multiplier for multiplier in self.channel_multipliers)

    def deaf(self) -> str:
        """Say why no block hears of time and class; see NetworkConfig.deaf."""
        if any(width != self.norm_groups for width in self.widths):
            return ""
        return (
            f"{self.norm_groups} puts each channel into a group of its own, whose normalisation "
            "takes away what a block is told of time and class; use fewer groups, or more channels"
        )

    @model_validator(mode="after")
    def _check_levels(self) -> Self:
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
        return self

    @model_validator(mode="after")
    def _check_widths(self) -> Self:
        for level, width in enumerate(self.widths):
            attends = level in self.attention_levels
            for knob in ("norm_groups", *(["attention_heads"] if attends else [])):
                if width % getattr(self, knob):
                    raise Conflict(
                        knob, f"must divide the {width} channels of level {level} evenly"
                    )
        return self
