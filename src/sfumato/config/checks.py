"""Checks across sections: values that conflict only together. `resolve` runs them, once."""

from collections.abc import Iterator
from contextlib import suppress

from sfumato.config.convergence import ConvergenceConfig
from sfumato.config.data import Facts
from sfumato.config.data_checks import judgement_mistakes
from sfumato.config.entry_checks import entry_mistakes
from sfumato.config.experiment import Experiment
from sfumato.config.points import points_of_sweep
from sfumato.config.samples import ChainConfig
from sfumato.config.trajectory import TrajectoryConfig
from sfumato.config.validation import nearest, one_of, path_of, show
from sfumato.errors import InputError
from sfumato.figures import figure, names
from sfumato.figures.training import UNTRAINED

Mistake = tuple[str, str]
"""Where a mistake is, and what is wrong there."""
SMALLEST_SIDE = 8  # that the classifier can look at, see evaluation/lenet.py


def check_across(experiment: Experiment, prefix: str) -> None:
    """Raise an InputError with a line for each conflict between sections."""
    forward = experiment.forward.mistakes(experiment.diffusion.noise_steps, experiment.data.n_test)
    entries = [
        (f"samples.{name}.{setting}", reason)
        for name, entry in experiment.samples.items()
        for setting, reason in entry_mistakes(experiment, entry)
    ]
    points = [*_sweeps(experiment), *_runs(experiment), *_convergence(experiment)]
    found = [*entries, *forward, *points, *_figures(experiment)]
    _raise(found, prefix)


def check_evaluation(experiment: Experiment, prefix: str, facts: Facts | None = None) -> None:
    """Raise an InputError if an experiment cannot be evaluated as its section says.

    This is checked only on demand: most experiments are never evaluated. What needs a look at the
    user's pictures is checked where `facts` are given.
    """
    try:
        experiment.runs  # noqa: B018 (it raises)
    except InputError as error:
        raise InputError("\n".join(f"{prefix}.{line}" for line in str(error).split("\n"))) from None
    judged = judgement_mistakes(experiment, facts or experiment.data.facts)
    _raise([*_evaluation(experiment), *judged], prefix)


def figure_files(experiment: Experiment) -> tuple[str, ...]:
    """Return every file that `figures` may name."""
    return tuple(file for name in names() for file in figure(name).files_for(experiment))


def drawable_files(experiment: Experiment) -> tuple[str, ...]:
    """Return those of them that show something which the experiment computes."""
    found: list[str] = []
    for each in map(figure, names()):
        with suppress(InputError):
            each.check(experiment)
            found += each.files_for(experiment)
    return tuple(found)


def _sweeps(experiment: Experiment) -> Iterator[Mistake]:
    for name in experiment.samples:
        if name.startswith("sweep_"):
            reason = "begins with sweep_, as the figures of sweeps do; choose another name"
            yield f"samples.{name}", f"{show(name)} {reason}"
    for name in experiment.sweeps:
        try:
            points = points_of_sweep(experiment, name).values()
        except InputError as error:
            for line in str(error).split("\n"):
                path, _, reason = line.partition(": ")
                yield path, reason
        else:
            mistakes = (each for entry in points for each in entry_mistakes(experiment, entry))
            for setting, reason in dict.fromkeys(mistakes):
                yield f"sweeps.{name}.over.{setting}", reason


def _runs(experiment: Experiment) -> Iterator[Mistake]:
    for i, run in enumerate(experiment.evaluation.runs):
        if isinstance(run, str) and run not in experiment.sweeps:
            known = tuple(experiment.sweeps)
            reason = f"{one_of(known)}, the names of sweeps{nearest(run, known)}"
            yield f"evaluation.runs[{i}]", f"{show(run)} {reason}"


def _convergence(experiment: Experiment) -> Iterator[Mistake]:
    known = experiment.convergence.known(experiment.samples)
    for i, name in enumerate(experiment.convergence.of):
        if name not in (*known, *ConvergenceConfig().of):
            yield f"convergence.of[{i}]", f"{show(name)} {one_of(known)}{nearest(name, known)}"


def _figures(experiment: Experiment) -> Iterator[Mistake]:
    known = figure_files(experiment)
    for i, file in enumerate(experiment.built):
        entry, entries = file.removesuffix("_samples.png"), tuple(experiment.samples)
        if "/" in file:
            name = file.rpartition("/")[2]
            yield f"figures[{i}]", f"{show(file)} must be the name of a file, and no path: {name}"
        elif file not in known and entry != file and not nearest(entry, entries):
            there = ", ".join(entries) or "none"
            reason = f"needs an entry {show(entry)} in samples, which has {there}"
            yield f"figures[{i}]", f"{show(file)} {reason}"
        elif file not in known:
            yield f"figures[{i}]", f"{show(file)} {one_of(known)}{nearest(file, known)}"
    if "training.png" in experiment.built and not experiment.weights.are_trained:
        yield "figures", UNTRAINED
    trajectory = experiment.trajectory
    followed = experiment.samples.get(trajectory.of)
    wanted = any(file.startswith("trajectory.") for file in experiment.built)
    if followed is None and (wanted or trajectory.of != TrajectoryConfig().of):
        entries = tuple(experiment.samples)
        remedy = f"; write trajectory: {{of: {entries[0]}}}" if entries else ""
        reason = f"{one_of(entries)}, the entries of samples{remedy}"
        yield "trajectory.of", f"{show(trajectory.of)} {reason}"
    if followed is not None and followed.edit and wanted:
        reason = "has an edit, and a trajectory leads from noise to an image"
        yield "trajectory.of", f"{show(trajectory.of)} {reason}"
    if followed is not None:
        yield from _snapshots(experiment, followed)


def _snapshots(experiment: Experiment, followed: ChainConfig) -> Iterator[Mistake]:
    diffusion, trajectory, asked = experiment.diffusion, experiment.trajectory, followed.steps or 0
    steps = asked if asked > diffusion.noise_steps else len(followed.times(diffusion))
    if trajectory.snapshots > steps:
        merged = "" if steps == asked else f", of which {followed.spacing} makes {steps}"
        allowed = f"samples.{trajectory.of}.steps ({asked}{merged})"
        yield "trajectory.snapshots", f"{trajectory.snapshots} must be at most {allowed}"


def _evaluation(experiment: Experiment) -> Iterator[Mistake]:
    evaluation = experiment.evaluation
    for i, run in enumerate(evaluation.runs):
        sweep = experiment.sweep_of(run)
        if "n_samples" in sweep.over:
            reason = "is the same for all runs: see evaluation.n_samples"
            yield f"evaluation.runs[{i}].over.n_samples", reason
        for entry in sweep.points(experiment.samples).values():
            scored = entry.model_copy(update={"n_samples": evaluation.n_samples})
            for setting, reason in entry_mistakes(experiment, scored):
                yield f"evaluation.runs[{i}].over.{setting}", reason
    seeds = [experiment.seed, *(run.seed for run in experiment.runs.values() if run.seed)]
    if max(seeds) + evaluation.seeds > 2**32:
        yield "evaluation.seeds", f"{evaluation.seeds} run past the last seed, {2**32 - 1}"
    if min(experiment.model.input_dim[:2]) < SMALLEST_SIDE:
        shape = list(experiment.model.input_dim)
        reason = f"has a side below {SMALLEST_SIDE}, too small for the classifier of an evaluation"
        yield "model.input_dim", f"{shape} {reason}"


def _raise(found: list[Mistake], prefix: str) -> None:
    if found:
        raise InputError(
            "\n".join(f"{path_of([path], prefix)}: {reason}" for path, reason in found)
        )
