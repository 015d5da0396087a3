"""The size and shape of the diffusion transformer."""

from typing import Self

from pydantic import Field, model_validator

from sfumato.config.fields import Conflict, Real, Whole
from sfumato.networks.base_config import NetworkConfig


class DiTConfig(NetworkConfig):
    """Size and shape of the diffusion transformer."""

    architecture: str = "dit"
    """Which network: the transformer."""
    patch_size: Whole = Field(default=2, ge=1, le=64)
    """Side of the square blocks of pixels that become tokens; it divides height and width."""
    width: Whole = Field(default=128, ge=8, le=8192, multiple_of=8)
    """Channels of a token, a multiple of 8: half of them tell the row, half the column, and the
    time is embedded by a quarter as many."""
    depth: Whole = Field(default=6, ge=1, le=64)
    """Blocks, each of self-attention and a perceptron."""
    attention_heads: Whole = Field(default=4, ge=1)
    """Heads of each self-attention; they divide `width` evenly."""
    dropout: Real = Field(default=0.0, ge=0, lt=1)
    """Probability with which a perceptron drops a value while training."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if any(size % self.patch_size for size in self.input_dim[:2]):
            raise Conflict("patch_size", "must divide height and width of input_dim evenly")
        if self.width % self.attention_heads:
            raise Conflict("attention_heads", f"must divide width ({self.width}) evenly")
        return self
