"""Checks across sections: what is wrong only together.

They look at whichever sections are there, so a script makes those that concern it.
"""

from typing import Any

from pydantic import BaseModel

from sfumato.config.validation import path_of
from sfumato.errors import InputError
from sfumato.samplers import SAMPLERS


def check_across(sections: BaseModel, prefix: str = "") -> None:
    """Raise an InputError with a line for each conflict between sections."""
    _raise(_conflicts(sections), prefix)


def check_evaluation(experiment: Any, prefix: str) -> None:  # noqa: ANN401
    """Raise an InputError if an experiment cannot be evaluated as its section says.

    It is looked at when evaluation is asked for: most experiments never are.
    """
    evaluation, found = experiment.evaluation, []
    most = experiment.diffusion.noise_steps
    for i, run in enumerate(evaluation.runs):
        steps = run.section(getattr(experiment, run.sampler).model_dump()).steps
        if steps > most:
            reason = f"{steps} must be at most diffusion.noise_steps ({most})"
            found.append((f"evaluation.runs[{i}].steps", reason))
    if evaluation.n_samples > experiment.data.n_test:
        reason = f"must be at most data.n_test ({experiment.data.n_test})"
        found.append(("evaluation.n_samples", f"{evaluation.n_samples} {reason}"))
    n_train = experiment.data.n_images - experiment.data.n_test
    if evaluation.n_samples > n_train:
        reason = f"must be at most data.n_images - data.n_test ({n_train}), the training images"
        found.append(("evaluation.n_samples", f"{evaluation.n_samples} {reason}"))
    _raise(found, prefix)


def _raise(found: list[tuple[str, str]], prefix: str) -> None:
    if found:
        raise InputError(
            "\n".join(f"{path_of([path], prefix)}: {reason}" for path, reason in found)
        )


def _conflicts(sections: BaseModel) -> list[tuple[str, str]]:
    found = []
    diffusion, data = _section(sections, "diffusion"), _section(sections, "data")
    forward, trajectory = _section(sections, "forward"), _section(sections, "trajectory")
    samplers = {name: section for name in SAMPLERS if (section := _section(sections, name))}
    if diffusion:
        allowed = f"diffusion.noise_steps ({diffusion.noise_steps})"
        found += [
            (f"{name}.steps", f"{section.steps} must be at most {allowed}")
            for name, section in samplers.items()
            if section.steps > diffusion.noise_steps
        ]
        if forward:
            found += [
                (f"forward.timesteps[{i}]", f"{t} must be from 0 to {diffusion.noise_steps - 1}")
                for i, t in enumerate(forward.timesteps)
                if not 0 <= t < diffusion.noise_steps
            ]
    if forward and data and forward.index >= data.n_test:
        reason = f"must be less than data.n_test ({data.n_test})"
        found.append(("forward.index", f"{forward.index} {reason}"))
    if trajectory and "ddpm" in samplers and trajectory.snapshots > samplers["ddpm"].steps:
        reason = f"must be at most ddpm.steps ({samplers['ddpm'].steps})"
        found.append(("trajectory.snapshots", f"{trajectory.snapshots} {reason}"))
    figures, weights = _section(sections, "figures"), _section(sections, "weights")
    if figures and weights and weights.source != "trained" and "training.png" in figures:
        found.append(("figures", "'training.png' needs weights.source to be trained"))
    return found


def _section(sections: BaseModel, name: str) -> Any:  # noqa: ANN401
    return getattr(sections, name, None)
