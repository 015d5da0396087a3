"""Section `weights`: where the network's weights come from."""

from typing import Literal

from pydantic import Field

from sfumato.config.fields import Section


class SourceConfig(Section):
    """Where the weights come from, without saying which checkpoint."""

    source: Literal["fresh", "trained", "pretrained", "finetuned"] = "fresh"
    """Drawn from the seed; trained from such weights; taken from a trained checkpoint; or trained
    from that."""

    @property
    def are_trained(self) -> bool:
        """Whether the experiment trains them."""
        return self.source in ("trained", "finetuned")

    @property
    def begin_with_a_checkpoint(self) -> bool:
        """Whether a checkpoint is read: to draw with, or to train on."""
        return self.source in ("pretrained", "finetuned")


class AdoptedConfig(SourceConfig):
    """Which checkpoint is taken, wherever it lies."""

    digest: str | None = Field(default=None, min_length=1)
    """The sha256 that the weights of the checkpoint in folder must have; null for any."""


class WeightsConfig(AdoptedConfig):
    """The whole section."""

    folder: str = Field(default="resources/pretrained/mnist", min_length=1)
    """The trained checkpoint: from the working directory, or else from beside the workflow."""
