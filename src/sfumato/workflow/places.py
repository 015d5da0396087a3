"""Where things are: beside the workflow, or in the working directory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sfumato.config.paths import shown, user_path
from sfumato.errors import InputError
from sfumato.project import PROJECT, cache

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment

ROOT = PROJECT
_ELSEWHERE = ("config.yml", "config.json", "config/config.yaml", "config/config.yml")
"""Where other workflows have their config."""


def relative(path: Path) -> Path:
    """Write a path from the working directory: a project that is moved is still up to date."""
    return Path(os.path.relpath(path))


def config_files(standalone: bool = True) -> list[str]:
    """Return the project's config.yaml, and that of another working directory, laid over it.

    Of a module of another workflow, whose own config.yaml is in the working directory, only one.
    """
    here, ours = Path("config.yaml"), ROOT / "config.yaml"
    if not os.path.lexists(here):
        return [str(ours)]
    alone = not standalone or not ours.exists() or (here.exists() and here.samefile(ours))
    return [str(here)] if alone else [str(ours), str(here)]


def unread_configs(given: Iterable[Path]) -> Iterator[str]:
    """Say which files of the working directory look like a config, and are not read.

    Args:
        given: the files of `--configfile`, which are.
    """
    read = {os.path.realpath(file) for file in given}
    for name in _ELSEWHERE:
        if os.path.isfile(name) and os.path.realpath(name) not in read:
            yield f"{name} is not read: name it config.yaml, or give it as --configfile {name}"


def spare_experiments(files: Sequence[str], typed: Sequence[str]) -> set[str]:
    """Return the project's experiments of which nothing is said in another folder's config.

    Args:
        files: the config files, which were read before; the first is the project's.
        typed: what was given with `--config`.
    """
    ours, *others = files
    theirs = set().union(*(_experiments_in(file) for file in others if file != ours))
    spare = _experiments_in(ours) - theirs
    return {name for name in spare if not any(name in each for each in typed)}


def _experiments_in(file: str) -> set[str]:
    content = yaml.safe_load(Path(file).read_text(encoding="utf-8")) or {}
    experiments = content.get("experiments")
    return set(experiments) if isinstance(experiments, dict) else set()  # `resolve` says what it is


def caches(name: str) -> list[Path]:
    """Return the folders where something may be kept, the best first.

    Beside the workflow; where nothing can be written there, among the caches of the user; and
    where nothing can be written there either, among the temporary files.
    """
    user = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    temporary = Path(tempfile.gettempdir()) / f"sfumato-{os.getuid()}"
    places = [cache(ROOT), Path(os.path.expanduser(user)) / "sfumato", temporary]
    return [place / name for place in places]


def can_be_written(folder: Path) -> bool:
    """Tell whether files can be put into a folder, which need not be there yet."""
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def pretrained_folder(experiment: Experiment) -> Path:
    """Return the checkpoint to adopt: from the working directory, or from beside the workflow.

    Raises:
        InputError: if there is none.
    """
    return checkpoint_folder(experiment.weights.folder, "weights.folder")


def checkpoint_folder(named: str, setting: str) -> Path:
    """Return the folder of a checkpoint: from the working directory, or from beside the workflow.

    Args:
        named: the folder, as the config says it.
        setting: which says it.

    Raises:
        InputError: if there is none.
    """
    given = user_path(named, setting)
    folder = given if given.exists() else relative(ROOT / given)
    if not (folder / "manifest.json").is_file():
        place = shown((folder if folder.exists() else given) / "manifest.json")
        raise InputError(f"{setting}: there is no checkpoint, no {place}")
    return folder


def check_results(jobs: Iterable[Any]) -> None:
    """Raise an InputError if a file that Snakemake's jobs will write cannot be.

    In a folder of several users that may be an experiment, or a log, that another user made.
    """
    _check_folder(Path("results"))
    for job in jobs:
        logs = [Path(each) for each in (*job.log, job.benchmark) if each]
        for path in [*logs, *map(Path, job.output)]:
            _check_folder(next((each for each in path.parents if each.exists()), Path()))
        for path in filter(Path.exists, logs):
            if not path.is_file():
                raise InputError(f"{path}: this is no file, and one is written here; move it away")
            if not os.access(path, os.W_OK):
                raise InputError(
                    f"{path}: this file cannot be written to; delete it, or change its permissions"
                )


def _check_folder(folder: Path) -> None:
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            f"{folder}: this folder cannot be written to; change its permissions or the mount, "
            "or build elsewhere with --directory"
        )
