"""Measured quality: the scores of each run and seed, and of all of them side by side."""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from sfumato.config.fields import Real, Section, Whole
from sfumato.errors import InputError
from sfumato.records.provenance import Record
from sfumato.sampling.timing import Measurement

FLOOR = "floor"
NAMES = {
    "fd_lenet": "FD-LeNet",
    "kid": "KID",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "confidence": "confidence",
    "class_distance": "class distance",
    "two_sample_accuracy": "two-sample accuracy",
    "memorised": "memorised",
    "memorisation_auc": "memorisation AUC",
}
"""What each score is called in a table."""


class Nearest(Section):
    """A generated image, and the training image that is nearest to it in pixels."""

    sample: Whole
    train: Whole
    distance: Real


class Metrics(Measurement):
    """The scores of one run with one seed: the content of a `*.metrics.json`.

    Attributes:
        run: name of the run; `floor` for real images in place of samples.
        settings: of the sampler; empty for the floor.
        nfe: evaluations of the network for a sample; 0 for the floor.
        n_samples: how many images were judged.
        seconds_per_sample: as measured while they were drawn.
        scores: by name, see NAMES.
        intervals: the 95 % intervals of some of them.
        nearest: the images that are nearest to the training set, the nearest first.
        classifier_accuracy: share of held-out real images whose class the classifier says.
    """

    run: str
    settings: dict[str, Any]
    nfe: Whole
    n_samples: Whole
    seconds_per_sample: Real
    scores: dict[str, Real]
    intervals: dict[str, tuple[Real, Real]]
    nearest: list[Nearest]
    classifier_accuracy: Real


class Row(Section):
    """A run over all its seeds: mean and spread (standard deviation) of each score.

    Attributes:
        intervals: of the first seed.
    """

    run: str
    settings: dict[str, Any]
    nfe: Whole
    seconds_per_sample: Real
    seeds: Whole
    mean: dict[str, Real]
    spread: dict[str, Real]
    intervals: dict[str, tuple[Real, Real]]


class Quality(Measurement):
    """All runs: the content of a `quality.json`."""

    n_samples: Whole
    classifier_accuracy: Real
    floor: Row
    rows: list[Row]
    device: dict[str, str]

    def row(self, **settings: object) -> Row:
        """Return the run with these settings, `sampler` among them; the others count as any."""
        for row in self.rows:
            if settings.items() <= row.settings.items():
                return row
        raise InputError(f"quality: there is no run with {settings}")


def summarise(metrics: Sequence[Metrics], device: Mapping[str, str], provenance: Record) -> Quality:
    """Put the metrics of all runs and seeds together, runs in the order in which they come.

    Raises:
        InputError: if they are not of one size, or have no floor among them.
    """
    if len({each.n_samples for each in metrics}) > 1:
        raise InputError("--metrics: these are of different numbers of samples")
    runs: dict[str, list[Metrics]] = {}
    for each in metrics:
        runs.setdefault(each.run, []).append(each)
    if FLOOR not in runs:
        raise InputError("--metrics: the floor, which real images reach, is not among them")
    return Quality(
        n_samples=metrics[0].n_samples,
        classifier_accuracy=metrics[0].classifier_accuracy,
        floor=_row(runs.pop(FLOOR)),
        rows=[_row(of_run) for of_run in runs.values()],
        device=dict(device),
        provenance=provenance,
    )


def _row(seeds: Sequence[Metrics]) -> Row:
    first = seeds[0]
    scores = {name: [each.scores[name] for each in seeds] for name in first.scores}
    return Row(
        run=first.run,
        settings=first.settings,
        nfe=first.nfe,
        seconds_per_sample=fmean(each.seconds_per_sample for each in seeds),
        seeds=len(seeds),
        mean={name: fmean(values) for name, values in scores.items()},
        spread={name: stdev(values) if len(values) > 1 else 0.0 for name, values in scores.items()},
        intervals=first.intervals,
    )


def table(quality: Quality, runs: Sequence[Row] | None = None) -> str:
    """Write the scores of some runs, or of all, as a table in Markdown, beside real images.

    Mean, and spread over seeds behind +-; intervals are those of the first seed.
    """
    runs = quality.rows if runs is None else runs
    lines = [
        _line("", "real images", *(label(row) for row in runs)),
        "|" + "---|" * (2 + len(runs)),
        _line("network evaluations", "", *(str(row.nfe) for row in runs)),
        _line("seconds per sample", "", *(f"{row.seconds_per_sample:.3g}" for row in runs)),
    ]
    for name, text in NAMES.items():
        lines.append(_line(text, *(cell(row, name) for row in (quality.floor, *runs))))
        if name in quality.floor.intervals:
            ends = [interval(row, name) for row in (quality.floor, *runs)]
            lines.append(_line(f"{text}, 95 % interval", *ends))
    return "\n".join(lines) + "\n"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def label(row: Row) -> str:
    """Name a run for people: `DDIM-50, eta 0.5`."""
    name = f"{row.settings['sampler'].upper()}-{row.nfe}"
    eta = row.settings.get("eta")
    return f"{name}, eta {eta:g}" if eta else name


def cell(row: Row, name: str) -> str:
    """Write mean and spread of a score."""
    mean, spread = row.mean[name], row.spread[name]
    rounded = float(f"{spread:.1g}")  # written without an exponent
    return f"{mean:.3g} ± {rounded:g}" if row.seeds > 1 else f"{mean:.3g}"


def interval(row: Row, name: str) -> str:
    """Write the ends of the interval of a score."""
    low, high = row.intervals[name]
    return f"{low:.3g} to {high:.3g}"
