"""What is asked for on the command line: experiments, figures and files."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from snakemake.io import strip_wildcard_constraints

from sfumato.config.checks import drawable_files, figure_files
from sfumato.config.notices import notices
from sfumato.config.validation import nearest
from sfumato.errors import InputError
from sfumato.workflow.hooks import before
from sfumato.workflow.mistakes import in_a_sentence

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment
    from sfumato.workflow.plan import Plan

_OF_SEVERAL = {
    ("--config", "-C"): "--config once, and all settings after it",
    ("--configfile", "--configfiles"): "--configfile once, and all files after it",
}
_FOLDERS = ("", "logs", "benchmarks", "shards", "evaluation", "points")


class Asked:
    """The targets of a call of Snakemake.

    Attributes:
        targets: as they were typed; none stands for the experiments in `targets` of the config.
        rules: the names of the rules.
    """

    def __init__(self, workflow: Any) -> None:  # noqa: ANN401
        """Take Snakemake's workflow, whose rules are all there."""
        self.targets: list[str] = sorted(workflow.dag_settings.targets)
        self._rules = list(workflow.rules)
        self.rules = {rule.name for rule in self._rules}
        self._of_any_experiment = {each.name: each for each in self._rules if each.has_wildcards()}

    def experiments(self, plan: Plan) -> tuple[str, ...]:
        """Return the experiments of which something is built."""
        parts = {part for target in self.targets for part in target.split("/")}
        named = tuple(name for name in plan.names if name in parts)
        by_rule = any(each in self.rules and each not in named for each in self.targets)
        of_config = plan.targets if by_rule or not self.targets else ()
        return tuple(dict.fromkeys([*of_config, *named]))

    def as_listed(self, plan: Plan) -> bool:
        """Tell whether each experiment builds the files that its `figures` lists."""
        return set(self.targets) <= {"all", *plan.names}

    def notices(self, plan: Plan, config: Mapping[str, Any]) -> list[str]:
        """Return what is to be said of the experiments that are built; `config` is as read."""
        listed, base = self.as_listed(plan), config.get("defaults", {})
        return [
            sentence
            for name in self.experiments(plan)
            for own in [config["experiments"][name] or {}]
            for sentence in notices(name, own, plan.experiments[name], listed, base)
        ]

    def check(self, plan: Plan) -> None:
        """Raise an InputError if a target is neither a rule nor a file that one can make."""
        for target in self.targets:
            path = os.path.normpath(target)
            if (rule := self._of_any_experiment.get(target)) and target not in plan.names:
                raise InputError(f"{target}: {_which_files(rule, plan)}")
            if target not in self.rules and not any(r.is_producer(path) for r in self._rules):
                callable_rules = self.rules - self._of_any_experiment.keys()
                raise InputError(f"{target}: {_what_is_wrong(path, plan, callable_rules)}")


def _which_files(rule: Any, plan: Plan) -> str:  # noqa: ANN401
    """Say what to ask for in place of a rule that makes files of any experiment."""
    file = strip_wildcard_constraints(str(rule.output[0]))
    file = re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), file)
    example = file.replace("EXPERIMENT", plan.targets[0])
    return f"this rule makes a file of any experiment; ask for the file, as in {example}"


def _what_is_wrong(target: str, plan: Plan, rules: Collection[str]) -> str:
    """Say why nothing can be built for a target, and what was perhaps meant."""
    if "=" in target:
        return "this is no target; a setting comes after the last target, as --config key=value"
    if os.path.isabs(target):
        return f"write a target from the working directory: {os.path.relpath(target)}"
    first, _, rest = target.partition("/")
    if first != "results" or not rest:
        files = {f"results/{name}/{file}": file for name, file in _figures(plan, plan.targets)}
        files |= {f"results/{name}/{file}": file for name, file in _drawable(plan)}
        known = (target, f"{target}.png")
        meant = [path for path, file in files.items() if path == f"results/{target}"]
        meant += [path for path, file in files.items() if file in known]
        if meant:
            return f"this is no target; did you mean {meant[0]!r}?"
        close = nearest(target, sorted({*rules, *plan.names}))
        return f"there is no such target{close or '; snakemake --list-target-rules lists them'}"
    name, _, file = rest.partition("/")
    if name == "gallery":
        return "the target is gallery, which writes it"
    if name not in plan.names:
        return f"{name!r} is no experiment of the config{nearest(name, plan.names)}"
    if not file:
        return f"this is a folder; the experiment is the target {name}"
    experiment = plan.experiments[name]
    known = [*drawable_files(experiment), *tables(experiment)]
    return f"nothing makes this file{nearest(file, known) or '; known: ' + ', '.join(known)}"


def _figures(plan: Plan, names: Iterable[str]) -> list[tuple[str, str]]:
    experiments = ((name, plan.experiments[name]) for name in names)
    return [(name, f) for name, each in experiments for f in (*figure_files(each), *tables(each))]


def _drawable(plan: Plan) -> list[tuple[str, str]]:
    """Return every figure that may be asked for, of the experiments in `targets` first."""
    names = dict.fromkeys([*plan.targets, *plan.names])
    return [(name, file) for name in names for file in drawable_files(plan.experiments[name])]


def tables(experiment: Experiment) -> list[str]:
    """Return the tables that somebody may ask for by name."""
    return [f"sweep_{name}.csv" for name in experiment.sweeps]


def check_folders(names: Iterable[str]) -> None:
    """Raise an InputError if there is a file where the folder of an experiment is to be."""
    for name in names:
        for folder in _FOLDERS:
            path = os.path.normpath(f"results/{name}/{folder}")
            if os.path.lexists(path) and not os.path.isdir(path):
                raise InputError(f"{path}: this is no folder, and one is needed; move it away")


def overruled_options(typed: Iterable[str]) -> Iterator[str]:
    """Say which settings Snakemake drops: of an option that is repeated, it takes the last alone.

    Args:
        typed: the words of the command line.
    """
    words = [word.partition("=")[0] for word in takewhile(lambda word: word != "--", typed)]
    for names, better in _OF_SEVERAL.items():
        if len(given := [word for word in words if word in names]) > 1:
            yield f"{given[-1]} is given more than once, and the last counts alone; write {better}"


def say(sentences: Iterable[str]) -> None:
    """Print what is said and not refused, a line each."""
    for sentence in sentences:
        print(f"warning: {sentence}", file=sys.stderr)


def watch(workflow: Any, plan: Plan, config: Mapping[str, Any]) -> None:  # noqa: ANN401
    """Look at what is asked for, when Snakemake is about to build it, or says what it would build.

    Args:
        workflow: Snakemake's, whose rules are all there; what is asked for it is told after them.
        plan: the experiments.
        config: targets, defaults and experiments, as read.
    """

    def look(*_: Any, **__: Any) -> None:  # noqa: ANN401
        asked = Asked(workflow)
        in_a_sentence(asked.check)(plan)
        in_a_sentence(check_folders)(asked.experiments(plan))
        say(asked.notices(plan, config))

    if workflow.is_main_process:
        before(workflow, "execute", look)
