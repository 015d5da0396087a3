"""From a record to the config and the command that make its artifact again.

The config holds what the record knows. The rest is left to the defaults, unless these do not fit
what is known.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import Any

from sfumato.config.checks import check_evaluation
from sfumato.config.convergence import ConvergenceConfig
from sfumato.config.evaluation import EvaluationConfig
from sfumato.config.experiment import DEFAULT_SAMPLES, Experiment
from sfumato.config.inputs import FILE
from sfumato.config.nested import leaf_items
from sfumato.config.resolve import resolve
from sfumato.config.scoring import FLOOR, ScoringConfig
from sfumato.config.trajectory import TrajectoryConfig
from sfumato.errors import InputError
from sfumato.project import PRETRAINED, PROJECT, how_to_call
from sfumato.records.facts import OTHER, ancestors, is_of_another, settings_of
from sfumato.records.finding import PICTURES
from sfumato.records.manifest import MANIFEST, read_manifest
from sfumato.records.provenance import Record
from sfumato.records.rebuild_sweeps import figure_of, with_sweeps

NAME = "rebuilt"
_PREFIX = f"experiments.{NAME}."
_SCORES = re.compile(r"evaluation/(?P<run>[^/]+)/(?P<seed>\d+)\.metrics\.json")
_FIGURES = {
    r"(.+_samples)\.(npz|timing\.json)": r"\1.png",
    r"(forward|trajectory)\.npz": r"\1.png",
    r"history\.csv": "training.png",
    r"speed\.json": "speed.png",
    r"quality\.json": "quality_vs_nfe.png",
    r"(sweep_.+)\.csv": r"\1.png",
    r"convergence\.json": "convergence.png",
    r"likelihood\.json": "likelihood.png",
    rf"evaluation/(?!{FLOOR}/).+\.metrics\.json": "nearest.png",
}
"""The figure that shows an artifact; of others it is forward.png, which is always there."""


@contextmanager
def _of_an_experiment() -> Iterator[None]:
    """Let what reads a record end in a sentence if its settings are those of no experiment."""
    try:
        yield
    except InputError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError):
        raise InputError("provenance: its settings are not those of an experiment") from None


@_of_an_experiment()
def config_of(record: Record, defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a config whose one experiment, `rebuilt`, makes the artifact again.

    Args:
        record: of the artifact.
        defaults: what the project in which it is built sets for every experiment.

    Raises:
        InputError: if the settings in the record are not those of an experiment of this version.
    """
    made = _made_here(record)
    settings = with_sweeps(settings_of(made))
    makers = [each.record for each in ancestors(made)]
    settings["figures"] = [figure_of(record.artifact) or _figure(record)]
    settings.pop("seed", None)
    if (seed := _seed(makers)) is not None:
        settings["seed"] = seed
    if "weights" not in settings and any(each.script == "initialise.py" for each in makers):
        settings["weights"] = {"source": "fresh"}
    if "trajectory" in settings:
        settings["trajectory"] = {**settings["trajectory"], "of": next(iter(settings["samples"]))}
    if "samples" in settings:
        order = settings.pop("entries", settings["samples"])
        entries = {name: settings["samples"][name] for name in order}
        settings["samples"] = {**_no_entries(defaults), **entries}
        removed = dict.fromkeys((defaults or {}).get("sweeps") or {})
        settings["sweeps"] = {**removed, **settings.get("sweeps", {})}
    if scored := [match for each in makers if (match := _SCORES.fullmatch(each.artifact))]:
        settings = _with_runs(settings, scored[0]["run"])
    if folder := _shipped(settings.get("weights", {}).get("digest")):
        settings["weights"] = {**settings["weights"], "folder": folder}
    settings = _that_fits(settings, record, defaults or {})
    fields = [name for name in Experiment.model_fields if settings.get(name) not in (None, {})]
    return _whole({name: settings[name] for name in fields}, _others(record))


@_of_an_experiment()
def command_of(record: Record, config: str) -> str:
    """Return the command that makes the artifact from the config file `config`."""
    path = record.artifact
    if match := _SCORES.fullmatch(path):
        seed = _seed([each.record for each in ancestors(_made_here(record))])
        k = int(match["seed"]) - int(seed or 0) if match["run"] == FLOOR else 0
        path = f"evaluation/{match['run']}/{k}.metrics.json"
    words = ("--cores", "1", f"results/{NAME}/{path}", "--configfile", config)
    return how_to_call("snakemake", *words)


def needs_of(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the user must add to a config of `config_of`: where files are is in no record."""
    settings, *others = config["experiments"].values()
    weights = settings.get("weights", {})
    for data in (each.get("data", {}) for each in (settings, *others)):
        if data.get("source") == "images":
            digest = data.get("digest")
            yield f"add data.folder, the folder of the pictures with the digest {digest}"
    if weights.get("source") in ("pretrained", "finetuned"):
        digest = weights.get("digest")
        yield f"weights.folder must hold the checkpoint with the digest {digest}"
    for name, entry in (settings.get("samples") or {}).items():
        guidance = (entry or {}).get("guidance") or {}
        if guidance.get("method") == "auto":
            setting = f"samples.{name}.guidance.checkpoint"
            yield f"{setting} must name the checkpoint with the digest {guidance.get('digest')}"
        for key, digest in leaf_items((entry or {}).get("edit") or {}):
            if key.rpartition(".")[2] == FILE and digest:
                setting = f"samples.{name}.edit.{key}"
                yield f"{setting}: name your picture with the digest {digest}"


def _shipped(digest: object) -> str | None:
    """Return the folder of the library's own checkpoint with this digest, if it has one."""
    for place in sorted((PROJECT / PRETRAINED).glob(f"*/{MANIFEST}")):
        with suppress(InputError):
            if digest and read_manifest(place.parent)["digest"] == digest:
                return (PRETRAINED / place.parent.name).as_posix()
    return None


def _made_here(record: Record) -> Record:
    """Leave out what made a checkpoint that was adopted or guides: building starts from there.

    And another experiment's images, which are no part of this one.
    """
    origins = {} if record.script == "adopt.py" else record.inputs
    inputs = {
        name: origin.model_copy(update={"provenance": _made_here(origin.provenance)})
        for name, origin in origins.items()
        if not (name == "guidance" and origin.provenance.artifact.endswith("checkpoint"))
        and not is_of_another(record, name)
    }
    return record.model_copy(update={"inputs": inputs})


def _others(record: Record) -> dict[str, Any]:
    """Return the other experiment whose images were measured, as far as its images need one."""
    for made in (each.record for each in ancestors(record)):
        if OTHER in made.inputs and is_of_another(made, OTHER):
            settings = made.inputs[OTHER].provenance.settings
            name = made.settings["likelihood"]["other"]
            if name == NAME:
                raise InputError(
                    f"likelihood.other: {name!r} is what the experiment would be called; give the "
                    "other one another name, and build it again"
                )
            return {
                name: {key: settings[key] for key in ("seed", "data", "model") if key in settings}
            }
    return {}


def _figure(record: Record) -> str:
    """Return the figure that a bare build makes: the artifact, or one that shows it."""
    path = record.artifact
    if PurePosixPath(path).suffix in PICTURES:
        return path
    for pattern, figure in _FIGURES.items():
        if match := re.fullmatch(pattern, path):
            return match.expand(figure)
    return "training.png" if record.script == "train.py" else "forward.png"


def _seed(makers: list[Record]) -> int | None:
    """Return the experiment's seed, if one is recorded.

    That of scores is the seed of their samples; most data has none, and says 0.
    """
    seeded = [each for each in makers if "seed" in each.settings]
    telling = [each for each in seeded if each.script not in ("evaluate.py", "prepare_data.py")]
    noise = [each for each in seeded if each.settings.get("data", {}).get("source") == "noise"]
    return next((int(each.settings["seed"]) for each in [*telling, *noise]), None)


def _with_runs(settings: Mapping[str, Any], run: str) -> dict[str, Any]:
    """Let an evaluation score the entries that are there; one alone has the seed that it had."""
    section, sampling = dict(settings["evaluation"]), dict(settings.get("sampling", {}))
    if "micro_batch" in sampling:
        section["micro_batch"] = sampling.pop("micro_batch")
    if "runs" not in section and run != FLOOR:
        section |= {"runs": [{"of": run, "over": {}}], "seeds": 1}
    settings = {**settings, "evaluation": section, "sampling": sampling}
    return settings if sampling else {k: v for k, v in settings.items() if k != "sampling"}


def _no_entries(defaults: Mapping[str, Any] | None) -> dict[str, None]:
    """Remove every entry of `samples` that an experiment has without asking for it."""
    return dict.fromkeys([*DEFAULT_SAMPLES, *((defaults or {}).get("samples") or {})])


def _whole(settings: Mapping[str, Any], others: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"targets": [NAME], "experiments": {NAME: dict(settings), **(others or {})}}


def _that_fits(
    settings: dict[str, Any], record: Record, defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Fill in settings that are not recorded where their defaults do not fit those that are."""
    filled: set[str] = set()
    scored = "evaluation" in settings
    while mistakes := _mistakes(settings, defaults, scored):
        place = next(
            (p for p in _FILLS if p not in filled and any(m.startswith(p) for m in mistakes)), None
        )
        if place is None:
            version = record.versions.get("sfumato", "another version")
            raise InputError(
                f"provenance: this version of sfumato cannot take the settings of sfumato {version}"
                f" ({mistakes[0]}); build it with that version"
            )
        filled.add(place)
        section = place.partition(".")[0]
        fill = _no_entries(defaults) if section == "samples" else _FILLS[place](settings)
        settings = {**settings, section: {**fill, **settings.get(section, {})}}
    return settings


def _mistakes(settings: dict[str, Any], defaults: Mapping[str, Any], scored: bool) -> list[str]:
    """Return what is wrong with the settings of an experiment, each after its place.

    Of how samples are scored only where they were: else no job reads it.
    """
    data = settings.get("data", {})
    if data.get("source") == "images":  # whose folder the user adds
        settings = {**settings, "data": {"folder": ".", **data}}
    try:
        _, experiments = resolve({**_whole(settings), "defaults": dict(defaults)})
        if scored:
            check_evaluation(experiments[NAME], _PREFIX[:-1])
    except InputError as error:
        return [line.removeprefix(_PREFIX) for line in str(error).split("\n")]
    return []


def _times(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Show five times from the first to the last."""
    most = settings["diffusion"]["noise_steps"]
    return {"timesteps": sorted({min(most * i // 4, most - 1) for i in range(5)})}


def _snapshots(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Show as many states as the chain has steps."""
    return {"snapshots": settings["samples"][settings["trajectory"].get("of", "ddpm")]["steps"]}


def _scoring(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Score as many samples as there are images to compare them with."""
    data, usual = settings["data"], ScoringConfig()
    n = min(usual.n_samples, data["n_test"], data["n_images"] - data["n_test"])
    return {"n_samples": n, "neighbours": min(usual.neighbours, n - 1)}


_FILLS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "forward.timesteps": _times,
    "forward.index": lambda _: {"index": 0},
    "samples.": _no_entries,
    "trajectory.snapshots": lambda settings: _snapshots({"trajectory": {}, **settings}),
    "model.": lambda _: {"patch_size": 1, "channel_multipliers": [1], "attention_levels": []},
    "trajectory.of": lambda _: {"of": TrajectoryConfig().of},
    "convergence.of": lambda _: {"of": list(ConvergenceConfig().of)},
    "evaluation.runs": lambda _: {"runs": EvaluationConfig().model_dump(mode="json")["runs"]},
    "evaluation.": _scoring,
}
"""For the beginning of a setting's path what fits, if it is not recorded and its default does not.
"""
