"""An experiment narrowed to what one job draws: an entry of `samples`, or a run of the evaluation.

A view takes the experiment and the job's wildcards, or None where there is no job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfumato.config.validation import show
from sfumato.errors import InputError

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment
    from sfumato.config.samples import SampleConfig


def narrowed(experiment: Experiment, wildcards: Any) -> Experiment:  # noqa: ANN401
    """Keep the entry `name` of `samples`, or put run `run` with its `k`-th seed in their place.

    Raises:
        InputError: if the experiment has no such entry or run.
    """
    if hasattr(wildcards, "run"):
        return _with_run(experiment, wildcards.run, int(wildcards.k))
    if hasattr(wildcards, "name"):
        kept = {wildcards.name: _known(experiment.samples, wildcards.name, "samples")}
        return experiment.model_copy(update={"samples": kept})
    return experiment


def scored(experiment: Experiment, wildcards: Any) -> Experiment:  # noqa: ANN401
    """Do the same, and make the sampling seed that of the experiment; the floor has no samples."""
    if wildcards is None:
        return experiment
    if not hasattr(wildcards, "run"):
        seen = _evaluated(experiment, {})
        return seen.model_copy(update={"seed": experiment.seed + int(wildcards.k)})
    seen = narrowed(experiment, wildcards)
    return seen.model_copy(update={"seed": seen.samples[wildcards.run].seed})


def all_runs(experiment: Experiment, wildcards: Any) -> Experiment:  # noqa: ANN401
    """Put all runs of the evaluation in the place of `samples`."""
    return _evaluated(experiment, experiment.runs)


def first_run(experiment: Experiment, wildcards: Any) -> Experiment:  # noqa: ANN401
    """Put the first run of the evaluation in the place of `samples`."""
    return _with_run(experiment, experiment.first_run, 0)


def _with_run(experiment: Experiment, name: str, k: int) -> Experiment:
    """Put a run with its `k`-th seed in the place of `samples`: its own seed, or the next ones."""
    run = _known(experiment.runs, name, "evaluation.runs")
    first = experiment.seed if run.seed is None else run.seed
    return _evaluated(experiment, {name: run.model_copy(update={"seed": first + k})})


def _known(entries: dict[str, SampleConfig], name: str, place: str) -> SampleConfig:
    if name not in entries:
        raise InputError(f"{place}: {show(name)} is not among them; known: {', '.join(entries)}")
    return entries[name]


def _evaluated(experiment: Experiment, runs: dict[str, SampleConfig]) -> Experiment:
    """Put runs in the place of `samples`, drawn as section `evaluation` says."""
    n_samples, micro_batch = experiment.evaluation.n_samples, experiment.evaluation.micro_batch
    samples = {name: run.model_copy(update={"n_samples": n_samples}) for name, run in runs.items()}
    sampling = experiment.sampling.model_copy(update={"micro_batch": micro_batch})
    return experiment.model_copy(update={"samples": samples, "sampling": sampling})
