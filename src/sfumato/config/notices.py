"""What is said, and not refused: settings that nothing reads, or that hardly mean what they say."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from fnmatch import fnmatch
from typing import Any

from sfumato.config.data import MOST_TEST_IMAGES
from sfumato.config.experiment import DEFAULT_SAMPLES, Experiment
from sfumato.config.labels import NO_CLASS
from sfumato.config.points import all_drawn, points_of_sweep
from sfumato.config.samples import ChainConfig
from sfumato.config.validation import nearest, show
from sfumato.diffusion.betas import WITHOUT_ENDS
from sfumato.errors import InputError

SHOWN_CHANNELS = (1, 3)
_Reason = Callable[[Experiment], str]
"""Of an experiment, why nothing reads a setting; empty if something does."""


def _not_of_source(holds: Callable[[Experiment], bool], wanted: str) -> _Reason:
    """Name the source that a setting is for; who trains, or has a checkpoint, may mean both."""

    def reason(experiment: Experiment) -> str:
        source = experiment.weights.source
        other = wanted if source == "fresh" else "finetuned"
        return "" if holds(experiment) else f"weights.source is {source}, not {other}"

    return reason


def _if_not(holds: Callable[[Experiment], bool], reason: str) -> _Reason:
    return lambda experiment: "" if holds(experiment) else reason.format(e=experiment)


_SOURCE = "weights.source is {e.weights.source}"
_DATA = "data.source is {e.data.source}"
_LINEAR = _if_not(lambda e: e.diffusion.path != "linear", "diffusion.path is linear")
_ENDS = _if_not(
    lambda e: e.diffusion.beta_schedule not in WITHOUT_ENDS,
    "diffusion.beta_schedule is {e.diffusion.beta_schedule}",
)
_IGNORED: dict[str, _Reason] = {
    "training": _not_of_source(lambda e: e.weights.are_trained, "trained"),
    "training.min_snr_gamma": _if_not(
        lambda e: e.training.weighting == "min_snr", "training.weighting is {e.training.weighting}"
    ),
    "training.label_dropout": _if_not(
        lambda e: e.model.num_classes > 0, "model.num_classes is {e.model.num_classes}"
    ),
    "guidance_classifier": _if_not(
        lambda e: any(
            each.guidance and each.guidance.reads == "classifier" for each in all_drawn(e)
        ),
        "no entry of samples has the guidance classifier",
    ),
    **dict.fromkeys(
        ("weights.folder", "weights.digest"),
        _not_of_source(lambda e: e.weights.begin_with_a_checkpoint, "pretrained"),
    ),
    "model.dropout": _if_not(lambda e: e.weights.source != "fresh", _SOURCE),
    "model.attention_heads": _if_not(
        lambda e: bool(getattr(e.model, "attention_levels", True)), "model.attention_levels is []"
    ),
    **dict.fromkeys(
        ("diffusion.beta_start", "diffusion.beta_end"),
        lambda e: _LINEAR(e) or _ENDS(e),
    ),
    **dict.fromkeys(("diffusion.beta_schedule", "diffusion.zero_terminal_snr"), _LINEAR),
    "data.folder": _if_not(lambda e: e.data.source not in ("mnist-5k", "noise"), _DATA),
    "data.url": _if_not(lambda e: e.data.source in MOST_TEST_IMAGES, _DATA),
    "data.fit": _if_not(lambda e: e.data.source == "images", _DATA),
    "data.digest": _if_not(lambda e: e.data.source == "images", _DATA),
    "render.colormap": _if_not(
        lambda e: e.model.input_dim[-1] != 3,  # noqa: PLR2004
        "images of 3 channels have their own colours",
    ),
    "trajectory": _if_not(
        lambda e: e.trajectory.of in e.samples, "samples has no entry {e.trajectory.of}"
    ),
}
_SHOWN = {
    "forward": ("forward.png",),
    "trajectory": ("trajectory.png", "trajectory.gif"),
    "trajectory.snapshots": ("trajectory.png",),
    "trajectory.frames": ("trajectory.gif",),
    "render.frames_per_second": ("trajectory.gif",),
    "render.columns": ("*_samples.png", "sweep_*.png"),
    "render.max_panels": ("*_samples.png",),
    "sweeps": ("sweep_*.png",),
    "convergence": ("convergence.png",),
    "likelihood": ("likelihood.png",),
    "evaluation": ("quality_vs_nfe.png", "guidance.png", "sizes.png", "nearest.png", "told.png"),
}
"""The figures that read a setting, which others do not."""


def notices(
    name: str,
    own: Mapping[str, Any],
    experiment: Experiment,
    as_listed: bool,
    base: Mapping[str, Any],
) -> list[str]:
    """Return what is to be said of an experiment that is built: a sentence each.

    Args:
        name: of the experiment.
        own: what it sets itself. Only of this is said that nothing reads it.
        experiment: the whole of it, filled in.
        as_listed: whether the files in its `figures` are what is built.
        base: the `defaults` of the config.
    """
    unread = [*_ignored(own, experiment), *_idle_entries(own, experiment, base)]
    unread += _idle_sweeps(own, base)
    if as_listed and own.get("figures"):
        unread += _not_drawn(own, experiment)
    outermost = [
        (path, reason)
        for path, reason in unread
        if not any(path.startswith(f"{other}.") for other, _ in unread)
    ]
    found = [*dict.fromkeys(_nonsense(own, experiment)), *dict(outermost).items()]
    return [f"experiments.{name}.{path}: {reason}" for path, reason in found]


_Found = Iterator[tuple[str, str]]


def _nonsense(own: Mapping[str, Any], experiment: Experiment) -> _Found:
    """Yield what runs, and draws something else than one would think."""
    if left := experiment.diffusion.left_over():
        yield "diffusion", left
    for name, entry in experiment.samples.items():
        for setting, said in entry.remarks(experiment.diffusion):
            yield f"samples.{name}.{setting}", said
    if experiment.weights.are_trained:
        if deaf := experiment.model.deaf():
            yield "model.norm_groups", deaf
        if unweighted := experiment.training.unweighted(experiment.diffusion):
            yield "training.weighting", unweighted
    yield from _classes_not_learnt(experiment)
    for place, entry in _chains(experiment, scored="evaluation" in own):
        with suppress(InputError):  # of a run that is wrong; who asks for it is told
            if merged := entry.merged(experiment.diffusion):
                yield place, merged
    channels = experiment.model.input_dim[-1]
    if channels not in SHOWN_CHANNELS:
        said = f"{channels} channels are drawn, and figures show the first of them; use 1 or 3"
        yield "model.input_dim", said


def _chains(experiment: Experiment, scored: bool) -> Iterator[tuple[str, ChainConfig]]:
    """Yield what is drawn, after the setting to change, with or without what is scored."""
    for name, entry in experiment.samples.items():
        yield f"samples.{name}.spacing", entry
    for name in experiment.sweeps:
        for entry in points_of_sweep(experiment, name).values():
            yield f"sweeps.{name}", entry
    with suppress(InputError):  # the same
        for entry in experiment.runs.values() if scored else ():
            yield "evaluation.runs", entry


def _classes_not_learnt(experiment: Experiment) -> _Found:
    """Yield the entries that ask for what training.label_dropout does not let the network learn."""
    dropout, samples = experiment.training.label_dropout, experiment.samples
    if experiment.weights.source != "trained" or not experiment.model.num_classes:
        return
    guided = [name for name, e in samples.items() if e.guidance and e.guidance.needs_labels]
    classless = [name for name, e in samples.items() if NO_CLASS in [*(e.labels or [NO_CLASS])]]
    if dropout == 0:
        setting = "guidance" if guided else "labels"
        for name in guided or classless:
            yield (
                f"samples.{name}.{setting}",
                "asks the network without a class, and with training.label_dropout 0 it learns "
                "none but with one; use 0.1",
            )
    if dropout == 1:
        for name in (name for name in samples if name not in classless):
            yield (
                f"samples.{name}.labels",
                "asks for a class, and with training.label_dropout 1 the network learns none; use "
                "0.1",
            )


def _ignored(own: Mapping[str, Any], experiment: Experiment) -> _Found:
    """Yield what another setting says that nothing reads."""
    for path, reason in _IGNORED.items():
        if _has(own, path) and (why := reason(experiment)):
            yield path, f"is ignored, since {why}"


def _not_drawn(own: Mapping[str, Any], experiment: Experiment) -> _Found:
    """Yield what only figures read that the experiment does not list."""
    for path, figures in _SHOWN.items():
        shown = any(fnmatch(file, each) for file in experiment.built for each in figures)
        if _has(own, path) and not shown:
            yield path, f"is ignored, since figures lists no {' and no '.join(figures)}"


def _idle_entries(
    own: Mapping[str, Any], experiment: Experiment, base: Mapping[str, Any]
) -> _Found:
    """Yield settings of the entries of `samples` that change nothing."""
    defaults = base.get("samples")
    known = [*DEFAULT_SAMPLES, *(defaults if isinstance(defaults, Mapping) else ())]
    for name, entry in own.get("samples", {}).items():
        path = f"samples.{name}"
        if entry is None and name not in known:
            yield (
                path,
                f"is ignored, since null removes an entry of the defaults{nearest(name, known)}",
            )
        drawn = experiment.samples.get(name)
        if drawn is None or not isinstance(entry, Mapping):
            continue
        diffusion = experiment.diffusion
        if "spacing" in entry and len(drawn.times(diffusion)) == diffusion.noise_steps:
            yield f"{path}.spacing", "is ignored, since the chain visits every time"
        if "rho" in entry and drawn.spacing != "karras":
            yield f"{path}.rho", f"is ignored, since spacing is {drawn.spacing}, not karras"
        if "percentile" in entry and drawn.clip != "dynamic":
            reason = f"is ignored, since clip is {show(drawn.clip)}, not dynamic"
            yield f"{path}.percentile", reason


def _idle_sweeps(own: Mapping[str, Any], base: Mapping[str, Any]) -> _Found:
    """Yield sweeps that are removed and were not there."""
    known = [*(base.get("sweeps") or {})]
    for name, sweep in (own.get("sweeps") or {}).items():
        if sweep is None and name not in known:
            reason = "is ignored, since null removes a sweep of the defaults"
            yield f"sweeps.{name}", f"{reason}{nearest(name, known)}"


def _has(own: Mapping[str, Any], path: str) -> bool:
    """Tell whether an experiment itself sets `section` or `section.key`."""
    section, _, key = path.partition(".")
    values = own.get(section)
    return isinstance(values, Mapping) and bool(values) and (not key or values.get(key) is not None)
