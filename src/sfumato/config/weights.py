"""Section `weights`: where the network's weights come from."""

from typing import Literal

from pydantic import Field

from sfumato.config.fields import Section


class WeightsConfig(Section):
    """Freshly drawn, trained from there, or taken from a checkpoint that somebody trained."""

    source: Literal["fresh", "trained", "pretrained"] = "fresh"
    folder: str = Field(default="resources/pretrained/mnist", min_length=1)
