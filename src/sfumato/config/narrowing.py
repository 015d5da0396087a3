"""An experiment narrowed to what one job draws or reads: an entry, the points of a sweep, a run.

A view takes the experiment and the job's wildcards, or None where there is no job.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sfumato.config.points import (
    chains_of_convergence,
    entry_called,
    points_of_convergence,
    points_of_sweep,
)
from sfumato.config.validation import one_of, show
from sfumato.errors import InputError

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment
    from sfumato.config.samples import SampleConfig
    from sfumato.config.sweep import SweepConfig


@dataclass(frozen=True)
class Varied:
    """An experiment as the jobs see it that put points side by side."""

    experiment: Experiment
    """The whole of it, which has the sections that are not here."""
    samples: dict[str, SampleConfig]
    """The points, in the place of its entries."""
    varied: dict[str, SampleConfig]
    """The entries that they were made from."""
    sweeps: dict[str, SweepConfig] = field(default_factory=dict)
    """The sweep that they are of, if they are of one."""
    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """For each entry the names of its points, if they differ in steps alone."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Return a section of the experiment."""
        return getattr(self.experiment, name)


def narrowed(experiment: Experiment, wildcards: Any) -> Experiment:  # noqa: ANN401
    """Keep the entry or point `name`, or put run `run` with its `k`-th seed in their place.

    Raises:
        InputError: if the experiment has no such entry, point or run.
    """
    if hasattr(wildcards, "run"):
        return _with_run(experiment, wildcards.run, int(wildcards.k))
    if hasattr(wildcards, "name"):
        kept = {wildcards.name: entry_called(experiment, wildcards.name)}
        return experiment.model_copy(update={"samples": kept})
    return experiment


def swept(experiment: Any, wildcards: Any) -> Any:  # noqa: ANN401
    """Return the experiment as the jobs of sweep `sweep` see it, a `Varied`.

    Without wildcards, it was seen like that before.

    Raises:
        InputError: if the experiment has no such sweep.
    """
    if wildcards is None:
        return experiment
    name = wildcards.sweep
    if name not in experiment.sweeps:
        known = ", ".join(experiment.sweeps) or "none"
        raise InputError(f"sweeps: {show(name)} is not among them; known: {known}")
    sweep = experiment.sweeps[name]
    varied = {sweep.of: experiment.samples[sweep.of]}
    points = points_of_sweep(experiment, name)
    return Varied(experiment, points, varied, sweeps={name: sweep})


def converging(experiment: Any, wildcards: Any) -> Any:  # noqa: ANN401, ARG001
    """Return the experiment as the job sees it that compares few steps with many, a `Varied`.

    Raises:
        InputError: if there are not enough noise steps.
    """
    chains = chains_of_convergence(experiment)
    points = points_of_convergence(experiment)
    # What the section decides is no part of the entries; their number of samples is no point's.
    other = {"n_samples": experiment.convergence.n_samples + 1}
    ends = {name: [*chain.values()][-1].model_copy(update=other) for name, chain in chains.items()}
    varied = {name: entry for name, entry in ends.items() if name in experiment.samples}
    names = {name: tuple(chain) for name, chain in chains.items()}
    return Varied(experiment, points, varied, chains=names)


def followed(experiment: Experiment, wildcards: Any) -> Experiment:  # noqa: ANN401, ARG001
    """Keep the entry whose trajectory is drawn.

    Raises:
        InputError: if the experiment has no such entry.
    """
    of, samples = experiment.trajectory.of, experiment.samples
    if of not in samples:
        raise InputError(f"trajectory.of: {of!r} {one_of(tuple(samples))}")
    return experiment.model_copy(update={"samples": {of: samples[of]}})


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


OF_EVALUATION = (scored, all_runs, first_run)
"""The views of an evaluation, which is checked before any of its jobs."""


def _with_run(experiment: Experiment, name: str, k: int) -> Experiment:
    """Put a run with its `k`-th seed in the place of `samples`: its own seed, or the next ones."""
    runs = experiment.runs
    if name not in runs:
        known = ", ".join(runs)
        raise InputError(f"evaluation.runs: {show(name)} is not among them; known: {known}")
    run = runs[name]
    first = experiment.seed if run.seed is None else run.seed
    return _evaluated(experiment, {name: run.model_copy(update={"seed": first + k})})


def _evaluated(experiment: Experiment, runs: dict[str, SampleConfig]) -> Experiment:
    """Put runs in the place of `samples`, drawn as section `evaluation` says."""
    n_samples, micro_batch = experiment.evaluation.n_samples, experiment.evaluation.micro_batch
    samples = {name: run.model_copy(update={"n_samples": n_samples}) for name, run in runs.items()}
    sampling = experiment.sampling.model_copy(update={"micro_batch": micro_batch})
    return experiment.model_copy(update={"samples": samples, "sampling": sampling})
