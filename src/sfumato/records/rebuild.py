"""From a record to the config and the command that make its artifact again."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import PurePosixPath
from typing import Any, ParamSpec, TypeVar

from sfumato.config.experiment import DEFAULT_SAMPLES
from sfumato.errors import InputError
from sfumato.records.facts import ancestors, settings_of
from sfumato.records.provenance import Record

P = ParamSpec("P")
T = TypeVar("T")
NAME = "rebuilt"
_SCORES = ".metrics.json"
_EVALUATED = re.compile(r"evaluation/(?P<run>[^/]+)/\d+(?P<suffix>\..+)")
_UNREAD: dict[str, Any] = {
    "forward": {"index": 0, "timesteps": [0]},
    "trajectory": {"of": "ddpm", "snapshots": 1},
    "weights": {"source": "fresh"},
}
"""Settings that fit any others, for sections that an artifact does not depend on."""
_ANY_ENTRY = {"sampler": "ddpm", "steps": 1}


def _of_an_experiment(read: Callable[P, T]) -> Callable[P, T]:
    """Let a function of a record end in a sentence if its settings are those of no experiment."""

    @wraps(read)
    def wrapped(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return read(*arguments, **named)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise InputError("provenance: its settings are not those of an experiment") from None

    return wrapped


@_of_an_experiment
def config_of(record: Record) -> dict[str, Any]:
    """Return a config whose one experiment, `rebuilt`, makes the artifact again.

    Raises:
        InputError: if the settings in the record are not those of an experiment.
    """
    recorded = settings_of(record)
    settings = {**_UNREAD, **recorded, "seed": _seed(record), "figures": [_figure(record)]}
    entries, runs = _entries(record), dict(_runs(record))
    if "snapshots" in recorded.get("trajectory", {}):
        settings["trajectory"] = {**recorded["trajectory"], "of": next(iter(entries))}
    if runs:
        settings["evaluation"] = _evaluation(settings, entries, runs)
        entries = {name: {**entry, "seed": None} for name, entry in entries.items()}
        entries = entries or {"ddpm": _ANY_ENTRY}
    settings["samples"] = {**dict.fromkeys(DEFAULT_SAMPLES), **entries}
    return {"targets": [NAME], "experiments": {NAME: settings}}


@_of_an_experiment
def command_of(record: Record, config: str) -> str:
    """Return the command that makes the artifact from the config file `config`."""
    path = record.artifact
    if match := _EVALUATED.fullmatch(path):
        seeds = dict(_runs(record)).values()
        path = f"evaluation/{match['run']}/{max(seeds) - _seed(record)}{match['suffix']}"
    return f"snakemake --cores 1 results/{NAME}/{path} --configfile {config}"


def _figure(record: Record) -> str:
    """Return the figure to build: the artifact, if it is one, or else one that is always there."""
    figure = PurePosixPath(record.artifact).suffix in (".png", ".gif")
    return record.artifact if figure else "forward.png"


def _seed(record: Record) -> int:
    """Return the experiment's seed; scores record that of their samples, and most data none."""
    recorded = [
        each.record.settings
        for each in ancestors(record)
        if "seed" in each.record.settings and not each.record.artifact.endswith(_SCORES)
    ]
    telling = [settings for settings in recorded if "data" not in settings]
    return int([*telling, *recorded, {"seed": 0}][0]["seed"])


def _entries(record: Record) -> dict[str, Any]:
    """Return the entries of `samples` that an artifact is made from, in their order."""
    entries: dict[str, Any] = {}
    for ancestor in ancestors(record):
        entries = {**entries, **ancestor.record.settings.get("samples", {})}
    return entries


def _runs(record: Record) -> Iterator[tuple[str, int]]:
    """Walk the runs of an evaluation that an artifact is made from: name, sampling seed."""
    for ancestor in ancestors(record):
        made = ancestor.record
        match = _EVALUATED.fullmatch(made.artifact)
        if match:
            entry = made.settings.get("samples", {}).get(match["run"], {})
            yield match["run"], int(entry.get("seed") or made.settings.get("seed", 0))


def _evaluation(
    settings: Mapping[str, Any], entries: Mapping[str, Any], runs: Mapping[str, int]
) -> dict[str, Any]:
    """Return the section `evaluation` whose runs are the entries, unvaried."""
    section = dict(settings.get("evaluation", {}))
    if entries:
        section["n_samples"] = next(iter(entries.values()))["n_samples"]
        section["micro_batch"] = settings["sampling"]["micro_batch"]
    section["runs"] = [{"of": name, "over": {}} for name in entries or ["ddpm"]]
    section["seeds"] = 1 + max(runs.values()) - int(settings["seed"])
    return section
