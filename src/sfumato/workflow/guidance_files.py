"""Where the files are that guidance reads: what the rules of samples and of the trajectory ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sfumato.config.narrowing import narrowed
from sfumato.errors import InputError
from sfumato.workflow.guiding import files, folders
from sfumato.workflow.mistakes import exit_with

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment
    from sfumato.config.samples import SampleConfig
    from sfumato.workflow.plan import Plan


def guidance_inputs(plan: Plan) -> Callable[[Any], list[str]]:
    """Return a function of a job's wildcards: the files that other rules make for its guidance."""

    def of(wildcards: Any) -> list[str]:  # noqa: ANN401
        try:
            entries = _entries(plan.experiments[wildcards.experiment], wildcards)
        except InputError:  # which the job's settings say
            return []
        return [f"results/{wildcards.experiment}/{file}" for file in files(entries.values())]

    return of


def guidance_places(plan: Plan) -> Callable[[Any, Any], list[str]]:
    """Return a function of the wildcards: where the checkpoints are that the user has for it.

    They count for no result: Snakemake compares no parameter that depends on the input.
    """

    def of(wildcards: Any, input: Any) -> list[str]:  # noqa: A002, ANN401, ARG001
        try:
            return folders(_entries(plan.experiments[wildcards.experiment], wildcards))
        except InputError as error:
            exit_with(f"experiments.{wildcards.experiment}.{error}")

    return of


def _entries(experiment: Experiment, wildcards: Any) -> Mapping[str, SampleConfig]:  # noqa: ANN401
    """Return the entry, or the run, that a job draws; without a name, the one that is followed."""
    if not _reads_any(experiment):
        return {}
    if hasattr(wildcards, "name") or hasattr(wildcards, "run"):
        return narrowed(experiment, wildcards).samples
    of = experiment.trajectory.of
    return {name: entry for name, entry in experiment.samples.items() if name == of}


def _reads_any(experiment: Experiment) -> bool:
    """Tell whether the guidance of any entry or run may read a file."""
    guided = any(each.guidance and each.guidance.reads for each in experiment.samples.values())
    runs = map(experiment.sweep_of, experiment.evaluation.runs)
    varied = (key for sweep in (*experiment.sweeps.values(), *runs) for key in sweep.over)
    return guided or any(key.startswith("guidance") for key in varied)
