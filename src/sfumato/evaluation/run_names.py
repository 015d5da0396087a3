"""What the runs of an evaluation are called, for people: by what tells them apart."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sfumato.config.nested import leaf_items
from sfumato.config.wording import USUAL_ENTRY, USUAL_GUIDANCE, called, phrase
from sfumato.evaluation.quality import Row

OF_ANY = ("sampler", "n_samples", "seed")
"""Settings that make no method of their own: the sampler names it, the others are of all runs."""
VARIED, SCALE = ("steps", *OF_ANY), "guidance.scale"
"""The same where the runs of a method differ in their steps; and the setting w of guidance."""
_DIGEST = "guidance.digest"
_USUAL = {f"guidance.{knob}": value for knob, value in USUAL_GUIDANCE.items()}
"""What is not said of a run with guidance, beside one without any."""


def labels(rows: Sequence[Row]) -> dict[str, str]:
    """Name each run by its method and its network evaluations: `DDIM-50, eta 0.5`.

    Where that is the name of several, their steps and their seeds are said too.
    """
    names = {
        row.run: ", ".join([f"{sampler}-{row.nfe}", *differences])
        for row, (sampler, *differences) in zip(rows, _methods(rows), strict=True)
    }
    for key in ("steps", "seed"):
        values: dict[str, set[Any]] = {}
        for row in rows:
            values.setdefault(names[row.run], set()).add(row.settings.get(key))
        for row in rows:
            if len(values[names[row.run]]) > 1:
                names[row.run] += f", {phrase(key, row.settings.get(key))}"
    return names


def methods(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Sort runs into methods, those that differ in steps alone, each by network evaluations.

    A method is named after its sampler, and after the settings in which it differs from the first
    run of that sampler: `DDIM`, and `DDIM, eta 0.5`.
    """
    names = {row.run: ", ".join(words) for row, words in zip(rows, _methods(rows), strict=True)}
    found: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.nfe):
        found.setdefault(names[row.run], []).append(row)
    return found


def by_scale(rows: Sequence[Row]) -> dict[str, list[tuple[float, Row]]]:
    """Sort the guided runs into methods, those that differ in w alone, each with w and rising.

    The names are those of `methods`, with the steps where these differ.
    """
    guided = [row for row in rows if "scale" in (row.settings.get("guidance") or {})]
    words = _methods(guided, (*OF_ANY, SCALE))
    found: dict[str, list[tuple[float, Row]]] = {}
    for row, said in zip(guided, words, strict=True):
        runs = found.setdefault(", ".join(said), [])
        runs.append((row.settings["guidance"]["scale"], row))
        runs.sort(key=lambda run: run[0])
    return found


def _methods(rows: Sequence[Row], varied: Collection[str] = VARIED) -> Iterator[list[str]]:
    """Yield for each run its sampler, and in what it differs from the sampler's first run.

    The first itself says what the others do not share and is neither usual nor 0 or none, but for
    steps. A scale of guidance is said of every run that has one, if not all have the same.
    """
    scales = {(row.settings.get("guidance") or {}).get("scale") for row in rows}
    samplers = [row.settings["sampler"] for row in rows]
    told_by = [{k: x for k, x in leaf_items(row.settings) if k not in varied} for row in rows]
    runs: dict[str, list[dict[str, Any]]] = {}
    for sampler, knobs in zip(samplers, told_by, strict=True):
        runs.setdefault(sampler, []).append(knobs)
    for sampler, knobs in zip(samplers, told_by, strict=True):
        first, *others = runs[sampler]
        usual = _USUAL | (_unsaid(first, others) if knobs == first else first)
        if len(scales) > 1:
            usual.pop(SCALE, None)
        yield [called(sampler), *_differences(knobs, usual)]


def _unsaid(first: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the first run of a sampler does not say of itself."""
    shared = {key for key, x in first.items() if all(key in o and o[key] == x for o in others)}
    unsaid = {key: x for key, x in first.items() if key == "steps" or not x or key in shared}
    return USUAL_ENTRY | unsaid


def _differences(knobs: Mapping[str, Any], usual: Mapping[str, Any]) -> list[str]:
    """Name the settings that are not as usual."""
    return [
        phrase(key.rpartition(".")[2], value[:8] if key == _DIGEST else value)
        for key, value in knobs.items()
        if key not in usual or usual[key] != value
        if not (key.startswith("edit.") and value is None)
    ]
