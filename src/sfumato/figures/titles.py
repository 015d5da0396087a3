"""What a figure says of itself: two figures that differ in more than the seed have two titles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from sfumato.config.wording import USUAL_ENTRY, USUAL_GUIDANCE, called, exact, phrase, phrases
from sfumato.figures.classes import class_names, class_words
from sfumato.records.facts import INITIAL, ancestors, makers, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from sfumato.config.render import ChartLook
    from sfumato.evaluation.quality import Quality, Row
    from sfumato.records.provenance import Record

USUAL_KNOBS = {"final_order": 2, "variant": "bh2", "stochastic": False}
"""The same of samplers' knobs that few ever turn."""
USUAL_DIFFUSION = {"beta_start": 1e-4, "beta_end": 0.02}
CHOOSING = ("method", "kind")
"""The settings that name a method; without its name, knobs are those of nothing."""
MOST_LESSONS = 4
"""So many trainings of a network are named each."""
_SAID = ("sampler", "steps", "n_samples", "labels", "edit", "guidance")


class Heading(NamedTuple):
    """What stands above a figure."""

    title: str
    details: str = ""


def heading(look: ChartLook, title: str, *details: str) -> Heading:
    """Begin a title with what figures call the experiment, and join the details that there are."""
    named = f"{look.title}: {title}" if look.title else title
    return Heading(named, "; ".join(filter(None, details)))


def chain_words(
    entry: Mapping[str, Any],
    steps: int | None = None,
    classes: Sequence[str] = (),
    nfe: int | None = None,
) -> str:
    """Say how an entry of `samples` draws: `DDIM, 50 steps, eta 0.5, spacing leading`.

    A sampler's main knobs are all said, and network evaluations where they are not one a step.

    Args:
        entry: its settings.
        steps: how many steps were taken; left out, those of the settings.
        classes: names of the classes, by number.
        nfe: network evaluations of a sample, if they are known.
    """
    steps = steps or entry.get("steps")
    length = [counted(steps, "step")] if steps else []
    if nfe and nfe != steps:
        length.append(counted(nfe, "evaluation"))
    asked = [class_words(labels, classes)] if (labels := entry.get("labels")) else []
    others = {key: value for key, value in entry.items() if key not in _SAID}
    edited = [edit_words(edit)] if (edit := entry.get("edit")) else []
    drawn = [called(entry["sampler"]), *length, *asked]
    guided = [guidance_words(guidance)] if (guidance := entry.get("guidance")) else []
    return ", ".join([*edited, *drawn, *phrases(others, USUAL_ENTRY | USUAL_KNOBS), *guided])


def common_words(entries: Sequence[Mapping[str, Any]], names: Sequence[str] = ()) -> str:
    """Say what several entries have in common; `names` are those of the classes."""
    return chain_words({"sampler": "", **_common(entries)}, None, names).removeprefix(", ")


def _common(settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings that have one value, also those within settings."""
    first, *others = settings
    common = {}
    for key, value in first.items():
        sections = [each[key] for each in others if isinstance(each.get(key), Mapping)]
        if isinstance(value, Mapping) and len(sections) == len(others):
            inside = _common([value, *sections])
            if all(name in inside for name in CHOOSING if name in value):
                common[key] = inside
        elif all(key in each and each[key] == value for each in others):
            common[key] = value
    return common


def guidance_words(guidance: Mapping[str, Any]) -> str:
    """Say a guidance and its knobs: `guidance (classifier_free, scale 3)`; no whole digest."""
    shown = {"method": guidance["method"], **guidance}
    if digest := guidance.get("digest"):
        shown["digest"] = digest[:8]
    return f"guidance ({', '.join(phrases(shown, USUAL_GUIDANCE))})"


def edit_words(edit: Mapping[str, Any]) -> str:
    """Say an edit and its knobs: `inpaint (mask half, resample 10)`."""
    knobs = {key: value for key, value in edit.items() if key != "kind" and value is not None}
    said = [_knob_words(key, value) for key, value in knobs.items()]
    return f"{edit['kind']} ({', '.join(said)})" if said else edit["kind"]


def _knob_words(key: str, value: Any) -> str:  # noqa: ANN401
    """Say one knob of an edit; a file has a digest in place of a name."""
    if key == "file":
        return "a picture of the user's"
    if isinstance(value, Mapping):
        inner = ", ".join("of a file" if k == "file" else phrase(k, v) for k, v in value.items())
        return f"{key} {inner}"
    if key == "image":
        return f"test image {value}"
    return phrase(key, value)


def drawn_words(record: Record) -> str:
    """Say how the samples of a file, or of a trajectory's, were drawn."""
    (entry,), chain = record.settings["samples"].values(), record.chain
    steps, nfe = (chain.steps, chain.nfe) if chain else (None, None)
    return chain_words(entry, steps, class_names(record), nfe)


def compared_words(quality: Quality) -> str:
    """Say how much an evaluation compared: `300 samples of each run, 2 seeds`."""
    samples, seeds = counted(quality.n_samples, "sample"), counted(quality.floor.seeds, "seed")
    return f"{samples} of each run, {seeds}"


def runs_heading(
    look: ChartLook, title: str, rows: Sequence[Row], record: Record, *details: str
) -> Heading:
    """Begin a title as `heading` does, and say what runs of an evaluation have in common.

    Not their samplers, which name them, nor the first of their seeds.
    """
    dropped = ("sampler", "seed")
    each = [{k: v for k, v in row.settings.items() if k not in dropped} for row in rows]
    made = (network_words(record), diffusion_words(record))
    return heading(look, title, *details, common_words(each), *made)


def network_words(record: Record) -> str:
    """Say of an artifact what the network that it was made with has learnt, if a file tells.

    Each training is named, the first first: `trained for 600 steps on mnist-5k, then for 50 steps`.
    """
    if lessons := _lessons(record):
        if len(lessons) > MOST_LESSONS:
            lessons[2:-1] = [f"{len(lessons) - 3} times more"]
        return f"trained {', then '.join(lessons)}".strip()
    made = [each.record for each in ancestors(record)]
    fresh = (each.script == "initialise.py" or _saved_fresh(each) for each in made)
    return "untrained network" if any(fresh) else ""


def _saved_fresh(made: Record) -> bool:
    """Tell whether a notebook saved a network with the weights that it had drawn."""
    return made.settings.get("weights", {}).get("source") == "fresh"


def _lessons(record: Record) -> list[str]:
    """Say of each training how long it was, and on which images."""
    trained = next((made for made in makers(record) if "training" in made.settings), None)
    if trained is None:
        return []
    before = trained.inputs.get(INITIAL)
    steps, calls = (trained.settings["training"].get(key) for key in ("steps", "calls"))
    sources = (made.settings.get("data", {}).get("source") for made in makers(trained))
    images = next((f"on {source}" for source in sources if source), "")
    said = f"for {counted(steps, 'step')}" if steps else ""
    lesson = " ".join(filter(None, [said, f"in {calls} parts" if calls else "", images]))
    lessons = [*(_lessons(before.provenance) if before else []), lesson]
    return [*filter(None, lessons)] or [""]


def diffusion_words(record: Record) -> str:
    """Say what a network predicts, and with which noise schedule."""
    settings = settings_of(record).get("diffusion", {})
    predicts = settings.get("prediction_type")
    words = [f"predicts {predicts}" if predicts else "", schedule_words(settings)]
    return "; ".join(filter(None, words))


def schedule_words(diffusion: Mapping[str, Any]) -> str:
    """Say which noise schedule there is: `linear schedule, T=1000`, or `linear path, T=1000`."""
    if not diffusion:
        return ""
    betas = [
        f"{name} {exact(diffusion[name])}"
        for name, usual in USUAL_DIFFUSION.items()
        if diffusion.get(name, usual) != usual
    ]
    length = f"$T={diffusion['noise_steps']}$"
    if diffusion.get("path") == "linear":
        return f"linear path, {length}"
    ending = ["zero terminal SNR"] if diffusion.get("zero_terminal_snr") else []
    return ", ".join([f"{diffusion['beta_schedule']} schedule", *ending, length, *betas])


def made_words(record: Record, images: np.ndarray) -> tuple[str, str, str]:
    """Say of images (..., C) with which network they were made, and of it what there is to say."""
    return network_words(record), diffusion_words(record), channel_words(images)


def channel_words(images: np.ndarray) -> str:
    """Say that only the first of several channels is seen, unless they are a colour."""
    channels = images.shape[-1]
    return "" if channels in (1, 3) else f"channel 0 of {channels}"


def short(value: float) -> str:
    """Write a measured number in three digits."""
    return f"{float(f'{value:.3g}'):g}"


def formula(value: float) -> str:
    """Write a number in three digits, as a part of a formula."""
    digits, _, power = short(value).partition("e")
    return rf"{digits}\times10^{{{int(power)}}}" if power else digits


def counted(number: int, noun: str) -> str:
    """Write `1 step`, `50 steps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
