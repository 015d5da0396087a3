"""Measured quality as tables for people."""

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


Table = list[list[str]]
"""Lines of cells; the first one names the columns."""


def markdown(lines: Table) -> str:
    """Write a table in Markdown; nothing, where it has no lines."""
    if not lines:
        return ""
    first, *others = (f"| {' | '.join(cells)} |" for cells in lines)
    return "\n".join([first, "|" + "---|" * len(lines[0]), *others]) + "\n"


def table(quality: Quality, runs: Sequence[Row] | None = None) -> Table:
    """Return the scores of some runs, or of all, beside real images.

    Mean and, after ±, the spread over seeds; intervals are those of the first seed.
    """
    runs, names = quality.rows if runs is None else runs, labels(quality.rows)
    lines = [
        ["", "real images", *(names[row.run] for row in runs)],
        ["network evaluations", "", *(str(row.nfe) for row in runs)],
        ["seconds per sample", "", *(f"{row.seconds_per_sample:.3g}" for row in runs)],
    ]
    for name, text in NAMES.items():
        if not any(name in row.mean for row in runs):
            continue
        reached = cell(quality.floor, name)
        if name == "class_accuracy":  # of real images it is that of the classifier
            reached = f"{quality.classifier_accuracy:.3g}"
        lines.append([text, reached, *(cell(row, name) for row in runs)])
        if name in quality.floor.intervals:
            ends = (interval(row, name) for row in (quality.floor, *runs))
            lines.append([f"{text}, 95 % interval", *ends])
    return lines


def class_table(quality: Quality) -> Table:
    """Return scores of each class by itself, of the runs that ask for classes; [] without any."""
    runs, names = [row for row in quality.rows if row.by_class], labels(quality.rows)
    if not runs:
        return []
    lines = [["class", *map(str, range(len(runs[0].by_class["class_accuracy"])))]]
    for row in runs:
        for name, values in row.by_class.items():
            lines.append([f"{names[row.run]}: {NAMES[name]}", *(f"{v:.3g}" for v in values)])
    return lines


def scores(quality: Quality) -> str:
    """Write all tables of an evaluation, as metrics.md holds them."""
    return "\n".join(filter(None, map(markdown, [table(quality), class_table(quality)])))


def likelihood_table(likelihood: Likelihood) -> Table:
    """Return the bits per dimension of each set of images, after ± their standard errors."""
    kinds = {
        "bound": "variational bound",
        "flow": "probability flow",
        "pixels": "of both: levels of the pixels",
        "chain": "of the bound: its chain",
        "prior": "of the bound: the last time",
    }
    lines = [
        ["", *(each.name for each in likelihood.sets)],
        ["images", *(str(each.n_images) for each in likelihood.sets)],
    ]
    for kind, words in kinds.items():
        found = (getattr(each, kind) for each in likelihood.sets)
        lines.append([words, *(f"{each.mean:.3g} ± {each.error:.1g}" for each in found)])
    return lines


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
