"""Section `weights`: where the network's weights come from."""

from typing import Literal

from pydantic import Field

from sfumato.config.fields import Section


class SourceConfig(Section):
    """Where the weights come from, without saying which checkpoint."""

    source: Literal["fresh", "trained", "pretrained"] = "fresh"
    """Drawn from the seed, trained from there, or taken from a trained checkpoint."""


class AdoptedConfig(SourceConfig):
    """Which checkpoint is taken, wherever it lies."""

    digest: str | None = Field(default=None, min_length=1)
    """The sha256 that the weights of the pretrained checkpoint must have; null for any."""


class WeightsConfig(AdoptedConfig):
    """The whole section."""

    folder: str = Field(default="resources/pretrained/mnist", min_length=1)
    """The pretrained checkpoint: from the working directory, or else from beside the workflow."""
