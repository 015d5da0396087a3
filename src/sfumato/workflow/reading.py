"""The files that entries of `samples` read besides the checkpoint, for guidance and edits.

Results of other stages are inputs of the rule. Of the user's files the content counts, and not
where they are: the settings of the job hold a digest in place of the path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from sfumato.config.inputs import content_name
from sfumato.config.paths import shown, user_path
from sfumato.errors import InputError
from sfumato.workflow.guiding import guiding_folder, is_guided_by_a_checkpoint, with_digest

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment
    from sfumato.config.inputs import Input
    from sfumato.config.narrowing import Varied
    from sfumato.config.samples import SampleConfig


def known(experiment: Experiment) -> dict[str, SampleConfig]:
    """Return the entries with the digest of each file of the user's in place of its path.

    Raises:
        InputError: if a file is not there, or is not what the entry needs.
    """
    return {name: _known(experiment, name, entry) for name, entry in experiment.samples.items()}


def by_content(varied: Varied, entries: dict[str, SampleConfig]) -> dict[str, SampleConfig]:
    """Return entries of an experiment as `known` does, of those that put points side by side.

    Raises:
        InputError: if a file is not there, or is not what its entry needs.
    """
    seen: Experiment = replace(varied, samples=entries)  # type: ignore[assignment]
    return known(seen)


def makers_of(experiment: Experiment) -> tuple[str, ...]:
    """Return the stages whose results the entries read, besides the weights."""
    stages = (each.stage for entry in experiment.samples.values() for each in _results(entry))
    return tuple(dict.fromkeys(stages))


def results_of(experiment: Experiment) -> list[str]:
    """Return the paths of these results, from the experiment's folder."""
    paths = (each.path for entry in experiment.samples.values() for each in _results(entry))
    return list(dict.fromkeys(paths))


def words_of(experiment: Experiment, folder: str) -> list[str]:
    """Return the words of a command line that say where each file is."""
    words = []
    for name, entry in experiment.samples.items():
        paths = {
            read: f"{folder}/{each.path}" if each.stage else each.path
            for read, each in entry.inputs.items()
        }
        if is_guided_by_a_checkpoint(entry):
            paths["guidance"] = str(guiding_folder(name, entry))
        words += [f"--read={read}={path}" for read, path in paths.items()]
    return words


def _results(entry: SampleConfig) -> Iterator[Input]:
    yield from (each for each in entry.inputs.values() if each.stage)


def _known(experiment: Experiment, name: str, entry: SampleConfig) -> SampleConfig:
    if is_guided_by_a_checkpoint(entry):
        entry = with_digest(experiment, name, entry)
    read = entry.edit.inputs() if entry.edit else {}
    own, place = {n: each.path for n, each in read.items() if not each.stage}, f"samples.{name}"
    if not own:
        return entry
    names = {path: _digest(path, place) for path in own.values()}
    files = {n: user_path(path, place) for n, path in own.items()}
    try:
        entry.edit.arrays(files, experiment.model.input_dim)
    except InputError as error:
        raise InputError(f"{place}.{error}") from None
    return entry.named(names)


# Files do not change while the job graph is built.
@cache
def _digest(path: str, place: str) -> str:
    """Name a file by its content."""
    try:
        return content_name(user_path(path, place))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this is no name of a file"
        raise InputError(f"{place}: {shown(path)} cannot be read: {reason}") from None
