"""Section `likelihood`: how likely the network finds images, in bits per dimension."""

from pydantic import Field

from sfumato.config.fields import Name, Section, Whole


class LikelihoodConfig(Section):
    """Whose likelihood is measured: likelihood.png, on demand."""

    n_images: Whole = Field(default=100, ge=1, le=1_000_000)
    """The first training images, and as many of those held out, or all where they are fewer."""
    other: Name | None = None
    """An experiment whose held-out images are measured beside them: images of another kind, of the
    same size; null for none."""
    steps: Whole = Field(default=100, ge=1, le=100_000)
    """Steps of the probability-flow ODE, two evaluations each; fewer where times evenly spaced in
    lambda fall on the same noise step."""
    probes: Whole = Field(default=2, ge=0, le=1000)
    """Random vectors that estimate a trace, at each end of a step; 0 for the exact trace, which
    takes a derivative for each number of an image."""
    micro_batch: Whole = Field(default=50, ge=1, le=65_536)
    """How many images go through the network at once."""
