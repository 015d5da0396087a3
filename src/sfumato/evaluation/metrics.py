"""The scores of one run with one seed, as they are written."""

from typing import Any

from sfumato.config.fields import Real, Section, Whole
from sfumato.records.measurements import Measurement

FLOOR = "floor"
"""The run that scores real images: the best that can be reached."""


class Nearest(Section):
    """A generated image, and the training image that is nearest to it in pixels."""

    sample: Whole
    """Index of the generated image."""
    train: Whole
    """Index of the training image."""
    distance: Real
    """Euclidean, over all pixels."""


class Metrics(Measurement):
    """The content of a `*.metrics.json`; no time is in it, so that a second build repeats it."""

    run: str
    """Its entry of `samples`; `floor` for real images in place of samples."""
    settings: dict[str, Any]
    """The entry itself; empty for the floor."""
    nfe: Whole
    """Evaluations of the network for a sample; 0 for the floor."""
    n_samples: Whole
    """How many images were scored."""
    scores: dict[str, Real]
    """By name."""
    intervals: dict[str, tuple[Real, Real]]
    """The 95 % intervals of some of them."""
    nearest: list[Nearest]
    """The images that are nearest to the training set, the nearest first."""
    classifier_accuracy: Real
    """Fraction of held-out real images that the classifier labels correctly."""
