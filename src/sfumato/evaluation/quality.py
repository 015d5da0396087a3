"""The scores of all runs, each over all its seeds, side by side."""

import json
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from sfumato.config.fields import Real, Section, Whole
from sfumato.config.scoring import FLOOR
from sfumato.errors import InputError
from sfumato.evaluation.metrics import Metrics
from sfumato.records.measurements import Measurement
from sfumato.records.provenance import Record
from sfumato.sampling.timing import Timing


class Row(Section):
    """A run over all its seeds."""

    run: str
    """Its name."""
    settings: dict[str, Any]
    """Its entry of `samples`."""
    nfe: Whole
    """Evaluations of the network for a sample."""
    seconds_per_sample: Real
    """The mean over the seeds."""
    seeds: Whole
    """How many seeds there are."""
    mean: dict[str, Real]
    """Of each score, over the seeds."""
    spread: dict[str, Real]
    """The standard deviation of each score, over the seeds."""
    intervals: dict[str, tuple[Real, Real]]
    """Of the first seed."""
    by_class: dict[str, list[Real]] = {}
    """Scores of each class by itself, the mean over the seeds; empty for runs without classes."""
    by_size: dict[str, list[Real]] = {}
    """Scores of the first images, the mean over the seeds; `n_samples` says how many."""


class Quality(Measurement):
    """All runs: the content of a `quality.json`."""

    n_samples: Whole
    """How many images of each run and seed were scored."""
    classifier_accuracy: Real
    """Fraction of held-out real images that the classifier labels correctly."""
    floor: Row
    """Real images in place of samples."""
    rows: list[Row]
    """The runs."""
    device: dict[str, str]
    """What computed."""

    def row(self, **settings: object) -> Row:
        """Return the run with these settings, `sampler` among them, whatever its others are."""
        for row in self.rows:
            if settings.items() <= row.settings.items():
                return row
        raise InputError(f"quality: there is no run with {settings}")


def summarise(
    metrics: Sequence[Metrics],
    timings: Mapping[str, Timing],
    device: Mapping[str, str],
    provenance: Record,
) -> Quality:
    """Put the metrics of all runs and seeds together, runs in the order in which they come.

    Args:
        metrics: of every run and seed.
        timings: how long the samples took, by the artifact of their metrics; the floor has none.
        device: what computed.
        provenance: of the result.

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
        floor=_row(runs.pop(FLOOR), {}),
        rows=[_row(of_run, timings) for of_run in runs.values()],
        device=dict(device),
        provenance=provenance,
    )


def timings_of(metrics: Sequence[Metrics], timings: Iterable[Timing]) -> dict[str, Timing]:
    """Return for each metrics of samples, by artifact, how long these samples took.

    Raises:
        InputError: if one has no timing.
    """
    made = {_samples(timing.provenance): timing for timing in timings}
    found = {}
    for each in metrics:
        if each.run == FLOOR:
            continue
        origin = each.provenance.inputs.get("samples")
        key = _samples(origin.provenance) if origin else ""
        if key not in made:
            raise InputError(f"--timings: none is of the samples of {each.provenance.artifact}")
        found[each.provenance.artifact] = made[key]
    return found


def _samples(record: Record) -> str:
    """Return what the records of samples and of their timing have in common."""
    alike = record.model_copy(update={"artifact": "", "arrays": {}})
    return json.dumps(alike.model_dump(mode="json"), sort_keys=True)


def _row(seeds: Sequence[Metrics], timings: Mapping[str, Timing]) -> Row:
    first = seeds[0]
    timed = [timings[name] for each in seeds if (name := each.provenance.artifact) in timings]
    scores = {name: [each.scores[name] for each in seeds] for name in first.scores}
    return Row(
        run=first.run,
        settings=first.settings,
        nfe=first.nfe,
        seconds_per_sample=fmean(each.seconds_per_sample for each in timed) if timed else 0.0,
        seeds=len(seeds),
        mean={name: fmean(values) for name, values in scores.items()},
        spread={name: stdev(values) if len(values) > 1 else 0.0 for name, values in scores.items()},
        intervals=first.intervals,
        by_class=_means([each.by_class for each in seeds]),
        by_size=_means([each.by_size for each in seeds]),
    )


def _means(of_seeds: Sequence[Mapping[str, Sequence[float]]]) -> dict[str, list[float]]:
    """Return the mean of each number over the seeds; nothing where a seed lacks a score."""
    names = [name for name in of_seeds[0] if all(name in each for each in of_seeds)]
    return {
        name: [fmean(values) for values in zip(*(each[name] for each in of_seeds), strict=True)]
        for name in names
    }
