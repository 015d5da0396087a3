"""Section `guidance_classifier`: the classifier of classifier guidance."""

from pydantic import Field

from sfumato.config.fields import Real, Section, Whole


class GuidanceClassifierConfig(Section):
    """How the classifier learns that reads noisy images; it is trained where an entry asks."""

    steps: Whole = Field(default=2000, ge=1, le=10_000_000)
    """Updates of its weights."""
    batch_size: Whole = Field(default=64, ge=1, le=65_536)
    """Images in each update."""
    learning_rate: Real = Field(default=1e-3, gt=0, le=1)
    """AdamW's learning rate at the start; it falls to 0 along half a cosine."""
