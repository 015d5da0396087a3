"""The likelihood of sets of images, side by side: the content of a `likelihood.json`."""

from sfumato.config.fields import Real, Section, Whole
from sfumato.records.measurements import Measurement


class Estimate(Section):
    """A mean over images, in bits per dimension."""

    mean: Real
    """Over the images."""
    error: Real
    """Standard error of the mean: the standard deviation over the images by the root of their
    number; 0 of a single image. What the probes of a trace add is in it."""


class SetOfImages(Section):
    """What the images of one set cost."""

    name: str
    """`training`, `held out`, or the experiment that the images are of."""
    n_images: Whole
    """How many were looked at."""
    bound: Estimate
    """The variational bound of the chain: the sum of the three below."""
    flow: Estimate
    """The bound by the probability-flow ODE."""
    prior: Estimate
    """Of the bound: what the last time keeps of the image."""
    chain: Estimate
    """Of the bound: the steps of the chain."""
    pixels: Estimate
    """Of both: the levels of the pixels, from the first time."""
    terms: tuple[Real, ...]
    """Of the bound: the mean of each step of the chain, from times 1, 2, ..., T - 1."""


class Likelihood(Measurement):
    """All sets: the content of a `likelihood.json`."""

    sets: list[SetOfImages]
    """Training images, those held out, and maybe images of another kind."""
