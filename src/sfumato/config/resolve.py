"""From a config file's content to experiments: checked, and every setting filled in."""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import Field

from sfumato.config.checks import check_across
from sfumato.config.experiment import Experiment
from sfumato.config.fields import Name, Section
from sfumato.config.keys import wrong_keys
from sfumato.config.merge import merge_sections
from sfumato.config.validation import nearest, show, validate
from sfumato.errors import InputError


class _File(Section):
    """The top level of a config file."""

    targets: list[str] = Field(min_length=1)
    """The experiments that a bare call builds."""
    defaults: dict[str, Any] = {}
    """Settings of every experiment."""
    experiments: dict[Name, dict[str, Any] | None] = Field(min_length=1)
    """For each experiment, its overrides."""


def resolve(raw: object, spare: Collection[str] = ()) -> tuple[list[str], dict[str, Experiment]]:
    """Check a whole config and fill in every experiment.

    Args:
        raw: the config as read: targets, defaults, experiments.
        spare: experiments that are left out where they do not fit the defaults and are no targets.

    Returns:
        The targets, and the experiments by name.

    Raises:
        InputError: a line for each mistake, with the key's full path.
    """
    if found := list(wrong_keys(raw)):
        raise InputError("\n".join(found))
    misplaced = set(Experiment.model_fields) & set(raw if isinstance(raw, dict) else ())
    if misplaced:
        key = sorted(misplaced)[0]
        raise InputError(f"{key}: belongs under defaults or under an experiment, not at the top")
    for key, value in raw.items() if isinstance(raw, dict) else ():
        if isinstance(value, Mapping) and not nearest(key, [*_File.model_fields]):
            raise InputError(
                f"{key}: is no key of the file; if it is an experiment, it belongs below "
                "experiments, two spaces to the right"
            )
    file = validate(_File, raw)
    defaults = merge_sections(Experiment().model_dump(), file.defaults)
    _fill(defaults, "defaults")
    experiments = {}
    for name, override in file.experiments.items():
        try:
            filled = _fill(merge_sections(defaults, override or {}), f"experiments.{name}")
        except InputError:
            if name in spare and name not in file.targets:
                continue
            raise
        experiments[name] = _titled(filled, name)
    for i, target in enumerate(file.targets):
        if target not in experiments:
            known = list(experiments)
            hint = nearest(target, known) or f"; known: {', '.join(known)}"
            raise InputError(f"targets[{i}]: {show(target)} is not one of the experiments{hint}")
    return file.targets, experiments


def check_names(experiments: Collection[str], rules: Collection[str]) -> None:
    """Raise an InputError if an experiment, whose name will be a target, has the name of a rule."""
    for name in experiments:
        if name in rules:
            raise InputError(
                f"experiments.{name}: {show(name)} is the name of a rule; choose another name"
            )
        if name == "index.html":
            raise InputError(
                f"experiments.{name}: is the name of the gallery's page; choose another name"
            )
        if name.removesuffix(".log") in rules:
            raise InputError(
                f"experiments.{name}: {show(name)} is the name of a rule's log; choose another name"
            )


def _fill(values: Mapping[str, Any], prefix: str) -> Experiment:
    """Validate an experiment, fill in what follows from other sections, and check across them."""
    experiment = validate(Experiment, values, prefix)
    noise_steps = experiment.diffusion.noise_steps
    samples = {name: entry.filled(noise_steps) for name, entry in experiment.samples.items()}
    data = experiment.data.filled()
    follows = {"samples": samples, "data": data, "forward": experiment.forward.filled(data.n_test)}
    experiment = experiment.model_copy(update=follows)
    check_across(experiment, prefix)
    return experiment


def _titled(experiment: Experiment, name: str) -> Experiment:
    """Let figures call an experiment by its name, unless it has another title."""
    render = experiment.render.model_copy(update={"title": experiment.render.title or name})
    return experiment.model_copy(update={"render": render})
