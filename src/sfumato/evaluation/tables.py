"""Measured quality as a table for people, in Markdown."""

from collections.abc import Sequence

from sfumato.evaluation.bits import Likelihood
from sfumato.evaluation.quality import Quality, Row
from sfumato.evaluation.run_names import labels

NAMES = {
    "fd_lenet": "FD-LeNet",
    "kid": "KID",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "confidence": "confidence",
    "class_accuracy": "class accuracy",
    "class_distance": "class distance",
    "two_sample_accuracy": "two-sample accuracy",
    "memorised": "memorised",
    "memorisation_auc": "memorisation AUC",
}
"""What each score is called in a table."""


def table(quality: Quality, runs: Sequence[Row] | None = None) -> str:
    """Write the scores of some runs, or of all, as a table in Markdown, beside real images.

    Mean and, after ±, the spread over seeds; intervals are those of the first seed.
    """
    runs, names = quality.rows if runs is None else runs, labels(quality.rows)
    lines = [
        _line("", "real images", *(names[row.run] for row in runs)),
        "|" + "---|" * (2 + len(runs)),
        _line("network evaluations", "", *(str(row.nfe) for row in runs)),
        _line("seconds per sample", "", *(f"{row.seconds_per_sample:.3g}" for row in runs)),
    ]
    scored = {name for row in runs for name in row.mean}
    for name, text in ((name, text) for name, text in NAMES.items() if name in scored):
        reached = cell(quality.floor, name)
        if name == "class_accuracy":  # of real images it is that of the classifier
            reached = f"{quality.classifier_accuracy:.3g}"
        lines.append(_line(text, reached, *(cell(row, name) for row in runs)))
        if name in quality.floor.intervals:
            ends = [interval(row, name) for row in (quality.floor, *runs)]
            lines.append(_line(f"{text}, 95 % interval", *ends))
    return "\n".join(lines) + "\n"


def class_table(quality: Quality) -> str:
    """Write scores of each class by itself, of the runs that ask for classes; "" without any."""
    runs, names = [row for row in quality.rows if row.by_class], labels(quality.rows)
    if not runs:
        return ""
    numbers = range(len(runs[0].by_class["class_accuracy"]))
    lines = [_line("class", *map(str, numbers)), "|" + "---|" * (1 + len(numbers))]
    for row in runs:
        for name, values in row.by_class.items():
            cells = (f"{value:.3g}" for value in values)
            lines.append(_line(f"{names[row.run]}: {NAMES[name]}", *cells))
    return "\n".join(lines) + "\n"


def scores(quality: Quality) -> str:
    """Write all tables of an evaluation, as metrics.md holds them."""
    return "\n".join(filter(None, [table(quality), class_table(quality)]))


def likelihood_table(likelihood: Likelihood) -> str:
    """Write the bits per dimension of each set of images, after ± their standard errors."""
    kinds = {
        "bound": "variational bound",
        "flow": "probability flow",
        "pixels": "of both: levels of the pixels",
        "chain": "of the bound: its chain",
        "prior": "of the bound: the last time",
    }
    lines = [_line("", *(each.name for each in likelihood.sets))]
    lines += ["|" + "---|" * (1 + len(likelihood.sets))]
    lines += [_line("images", *(str(each.n_images) for each in likelihood.sets))]
    for kind, words in kinds.items():
        found = [getattr(each, kind) for each in likelihood.sets]
        lines.append(_line(words, *(f"{e.mean:.3g} ± {e.error:.1g}" for e in found)))
    return "\n".join(lines) + "\n"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def cell(row: Row, name: str) -> str:
    """Write mean and spread of a score; nothing where a run has none."""
    if name not in row.mean:
        return ""
    mean, spread = row.mean[name], row.spread[name]
    rounded = float(f"{spread:.1g}")  # written without an exponent
    return f"{mean:.3g} ± {rounded:g}" if row.seeds > 1 else f"{mean:.3g}"


def interval(row: Row, name: str) -> str:
    """Write the ends of the interval of a score."""
    low, high = row.intervals[name]
    return f"{low:.3g} to {high:.3g}"
