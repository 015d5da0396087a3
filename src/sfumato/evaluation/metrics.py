"""The scores of one run with one seed, as they are written."""

from typing import Any

from sfumato.config.fields import Real, Section, Whole
from sfumato.records.measurements import Measurement


class Nearest(Section):
    """A generated image, and the training image that is nearest to it in pixels."""

    sample: Whole
    """Index of the generated image."""
    train: Whole
    """Index of the training image."""
    distance: Real
    """Euclidean, over all pixels."""


class Judged(Section):
    """A generated image, and how surely a classifier told it from real ones."""

    sample: Whole
    """Index of the generated image."""
    probability: Real
    """That it is generated, by a classifier that had not seen it."""


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
    told: list[Judged] = []
    """The images that were told from real ones most surely, the surest first."""
    fooling: list[Judged] = []
    """The images that were taken for real ones most surely, the surest first."""
    by_class: dict[str, list[Real]] = {}
    """Scores of each class by itself, where all samples were asked for one."""
    by_size: dict[str, list[Real]] = {}
    """Scores of the first images, as many as `n_samples` among them says."""
    classifier_accuracy: Real
    """Fraction of held-out real images that the classifier labels correctly."""
