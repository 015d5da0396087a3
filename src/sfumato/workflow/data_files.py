"""A look at the files from which an experiment's images come, before any job runs.

What reads files is imported on use: most experiments have none.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sfumato.config.data import DataConfig, Facts, LoadedConfig
from sfumato.config.data_checks import check_data, ignored_classes
from sfumato.config.paths import shown, user_path
from sfumato.errors import InputError
from sfumato.records.outputs import file_aside
from sfumato.workflow.places import caches, can_be_written, relative

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment
    from sfumato.data.idx import PublishedSet
    from sfumato.data.pictures import Pictures

_LOG = logging.getLogger("sfumato")
_RECENT = 2 * 10**9  # nanoseconds; a file may change again without a later time


def loaded(experiment: Experiment) -> LoadedConfig:
    """Return section `data` as the job that loads the images reads it: nothing is left open.

    Raises:
        InputError: a line for each thing that does not fit the images, or what is wrong with them.
    """
    facts = facts_of(experiment.data)
    check_data(experiment, facts)
    if experiment.data.source == "images":
        from sfumato.data.folders import check_channels

        check_channels(experiment.model.input_dim[-1])
    return known(experiment.data, facts)


def known(data: DataConfig, facts: Facts) -> LoadedConfig:
    """Return the recorded part of section `data`, with the numbers and the digest found."""
    section = data.filled(facts.count).model_copy(update={"digest": facts.digest})
    return LoadedConfig(**{name: getattr(section, name) for name in LoadedConfig.model_fields})


def facts_of(data: DataConfig) -> Facts:
    """Return what is known of the images of an experiment; of its own pictures after a look.

    Raises:
        InputError: if there are none, one cannot be read or does not begin like a picture, or they
            do not have the digest that is asked for.
    """
    if data.facts:
        return data.facts
    folder = user_path(data.folder or "", "data.folder")
    facts = _look_at(folder)
    if data.digest not in (None, facts.digest):
        from sfumato.data.folders import other_digest

        raise InputError(other_digest(folder, str(facts.digest), str(data.digest)))
    return facts


# Files do not change while the job graph is built.
@cache
def _look_at(folder: Path) -> Facts:
    from sfumato.data.pictures import find_pictures

    pictures = find_pictures(folder)
    classes, unlabelled = len(pictures.classes), pictures.unlabelled
    return Facts(len(pictures.states), classes, unlabelled, _digest(pictures), pictures.sentence)


def data_places(experiment: Experiment, results: str) -> list[str]:
    """Return the words that tell the job that writes into a folder where its files are.

    What a user should know of the images before they are loaded is said in the log.
    """
    data, words = experiment.data, []
    name = results.rpartition("/")[2]  # the same of the one that `verify` builds
    for remark in _remarks(experiment, name):
        _say(f"experiments.{name}.{remark}")
    if data.source in ("mnist", "fashion-mnist"):
        words.append(f"--cache={_idx_cache(data.source)}")
        words += [f"--url={data.url}"] if data.url else []
    elif data.source != "images":
        return words
    return [*words, *([f"--folder={folder}"] if (folder := _folder(data)) else [])]


@cache
def _say(remark: str) -> None:
    """Say something once, after which it is right to go on."""
    _LOG.warning("warning: %s", remark)


def _remarks(experiment: Experiment, name: str) -> Iterator[str]:
    data = experiment.data
    facts = facts_of(data)
    if ignored := ignored_classes(experiment, facts):
        yield ignored
    if facts.left_out:
        yield f"data.folder: {facts.left_out}"
    if data.source in ("mnist", "fashion-mnist") and not Path("results", name, "data.npz").exists():
        yield from _coming_from(data, data.source)


def _coming_from(data: DataConfig, source: PublishedSet) -> Iterator[str]:
    """Say where IDX files come from, unless they are where the config says."""
    from sfumato.data.download import URLS
    from sfumato.data.idx import missing

    folder, lacking = _folder(data), []
    if folder:
        try:
            lacking = missing(folder, source)
        except InputError as error:
            raise InputError(f"data.folder: {error}") from None
        if not lacking:
            return
    here = _idx_cache(source) / source
    if _holds(here, source):
        origin = f"are taken from {shown(here)}"
    else:
        origin = f"will be downloaded from {data.url or URLS[source]} to {shown(here)}"
    if lacking:
        yield f"data.folder: {shown(folder or '')} has no {lacking[0]}; the files {origin}"
    elif "downloaded" in origin:
        yield f"data: the files of {source} {origin}"


def _folder(data: DataConfig) -> Path | None:
    return user_path(data.folder, "data.folder") if data.folder else None


def _idx_cache(source: PublishedSet) -> Path:
    """Return the cache that has the files, or else the first that can be written."""
    places = caches("data")
    for place in places:
        if _holds(place / source, source):
            return _near(place)
    return _near(next(filter(can_be_written, places), places[0]))


def _holds(folder: Path, source: PublishedSet) -> bool:
    """Tell whether a cache has the files; what is damaged there is downloaded again."""
    from sfumato.data.idx import missing

    try:
        return not missing(folder, source)
    except InputError:
        return False


def _near(place: Path) -> Path:
    """Write a path from the working directory, if it is beside the workflow."""
    return relative(place) if place == caches("data")[0] else place


def _digest(pictures: Pictures) -> str:
    """Return the digest of pictures; it is kept, since reading many pictures takes time."""
    from sfumato.data.folders import survey

    text = json.dumps([os.path.abspath(pictures.folder), list(pictures.states.items())])
    name = hashlib.sha256(text.encode()).hexdigest()
    places = [place / name[:2] / name for place in caches("pictures")]
    for place in places:
        with suppress(OSError, ValueError):
            kept = place.read_text(encoding="ascii")
            if len(kept) == len(name):
                return kept
    digest = survey(pictures)
    if max(state.mtime for state in pictures.states.values()) < time.time_ns() - _RECENT:
        for place in places:
            with suppress(OSError, InputError):
                with file_aside(place) as part:
                    part.write_text(digest, encoding="ascii")
                break
    return digest
