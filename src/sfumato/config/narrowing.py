"""An experiment narrowed to what one job draws: an entry of `samples`, or a run of the evaluation.

A view takes the experiment and the job's wildcards, or None where there is no job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment
    from sfumato.config.samples import SampleConfig


def narrowed(experiment: Experiment, wildcards: Any) -> Experiment:  # noqa: ANN401
    """Keep the entry `name` of `samples`, or put run `run` with its `k`-th seed in their place."""
    if hasattr(wildcards, "run"):
        return _with_run(experiment, wildcards.run, experiment.seed + int(wildcards.k))
    if hasattr(wildcards, "name"):
        kept = {wildcards.name: experiment.samples[wildcards.name]}
        return experiment.model_copy(update={"samples": kept})
    return experiment


def scored(experiment: Experiment, wildcards: Any) -> Experiment:  # noqa: ANN401
    """Do the same, and make the sampling seed that of the experiment; the floor has no samples."""
    if wildcards is None:
        return experiment
    seed = experiment.seed + int(wildcards.k)
    run = getattr(wildcards, "run", None)
    seen = _with_run(experiment, run, seed) if run else _evaluated(experiment, {})
    return seen.model_copy(update={"seed": seed})


def all_runs(experiment: Experiment, wildcards: Any) -> Experiment:  # noqa: ANN401
    """Put all runs of the evaluation in the place of `samples`."""
    return _evaluated(experiment, experiment.runs)


def first_run(experiment: Experiment, wildcards: Any) -> Experiment:  # noqa: ANN401
    """Put the first run of the evaluation in the place of `samples`."""
    return _with_run(experiment, experiment.first_run, experiment.seed)


def _with_run(experiment: Experiment, name: str, seed: int) -> Experiment:
    run = experiment.runs[name].model_copy(update={"seed": seed})
    return _evaluated(experiment, {name: run})


def _evaluated(experiment: Experiment, runs: dict[str, SampleConfig]) -> Experiment:
    """Put runs in the place of `samples`, drawn as section `evaluation` says."""
    n_samples, micro_batch = experiment.evaluation.n_samples, experiment.evaluation.micro_batch
    samples = {name: run.model_copy(update={"n_samples": n_samples}) for name, run in runs.items()}
    sampling = experiment.sampling.model_copy(update={"micro_batch": micro_batch})
    return experiment.model_copy(update={"samples": samples, "sampling": sampling})
