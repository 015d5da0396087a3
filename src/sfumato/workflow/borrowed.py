"""Checkpoints in `results` that other experiments read: for their weights, or as guides.

What is in a checkpoint is read before any job. Where a run makes one again, what others made from
it is known to be out of date by the next run alone; this one says so.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sfumato.config.experiment import Experiment
from sfumato.config.points import points_of_sweep
from sfumato.config.samples import ChainConfig
from sfumato.errors import InputError
from sfumato.records.manifest import read_manifest
from sfumato.workflow.guiding import guiding_folder, is_guided_by_a_checkpoint
from sfumato.workflow.places import pretrained_folder


class Loan(NamedTuple):
    """An experiment, and the folder of the checkpoint that it reads."""

    reader: str
    folder: Path


def borrowed(experiments: Mapping[str, Experiment], readers: Iterable[str]) -> dict[Loan, str]:
    """Return the digests of the checkpoints in `results` that these experiments read."""
    return {
        loan: _digest(loan.folder)
        for name in sorted(set(readers))
        for loan in _loans(name, experiments[name])
        if "results" in loan.folder.parts  # of this workflow or of a module, which has a prefix
    }


def say_what_changed(before: Mapping[Loan, str]) -> None:
    """Say on stderr which experiments read a checkpoint that is another since `borrowed`."""
    for loan, digest in before.items():
        if _digest(loan.folder) != digest:
            print(
                f"{loan.reader}: reads {loan.folder}, which was made again; run the same command "
                "once more, and what is made from it is made again, too",
                file=sys.stderr,
            )


def _loans(name: str, experiment: Experiment) -> Iterator[Loan]:
    if experiment.weights.begin_with_a_checkpoint:
        yield Loan(name, pretrained_folder(experiment))
    with suppress(InputError):  # of a sweep or a run that is wrong; who asks for it is told
        for entry, config in _drawn(experiment):
            if is_guided_by_a_checkpoint(config):
                yield Loan(name, guiding_folder(entry, config))


def _drawn(experiment: Experiment) -> Iterator[tuple[str, ChainConfig]]:
    """Yield what may be drawn, by name: entries, points of sweeps and runs of an evaluation."""
    yield from experiment.samples.items()
    for name in experiment.sweeps:
        yield from points_of_sweep(experiment, name).items()
    yield from experiment.runs.items()


def _digest(folder: Path) -> str:
    """Return the digest of a checkpoint; of none, or one that is damaged, an empty text."""
    try:
        return read_manifest(folder)["digest"]
    except InputError:
        return ""
