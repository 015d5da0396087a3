"""Points: what sweeps and the figure of convergence draw besides the entries of `samples`.

A point is an entry that has no name of its own. Its file has the digest of its settings for one, so
that all sweeps share it, and nothing is drawn twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sfumato.config.canonical import canonical
from sfumato.config.validation import show
from sfumato.errors import InputError

if TYPE_CHECKING:
    from sfumato.config.experiment import Experiment
    from sfumato.config.samples import SampleConfig

FOLDER = "points/"
_LENGTH = 12  # characters that tell the digests of any number of points apart
PATTERN = rf"{FOLDER}[0-9a-f]{{{_LENGTH}}}"
"""The names of points: their place in the folder of the experiment."""
Points = dict[str, "SampleConfig"]


def named(entries: Iterable[SampleConfig], experiment: Experiment) -> list[str]:
    """Return what each entry is called: as the one of `samples` that draws the same, or a point."""
    samples = reversed(experiment.samples.items())
    own = {digest_of(_usual(entry, experiment)): name for name, entry in samples}
    digests = [digest_of(_usual(entry, experiment)) for entry in entries]
    return [own.get(digest, f"{FOLDER}{digest}") for digest in digests]


def digest_of(entry: SampleConfig) -> str:
    """Return the beginning of the sha256 of an entry's settings, as one canonical JSON text.

    What a guiding checkpoint must be, beside where it is, decides nothing that is drawn.
    """
    if getattr(entry.guidance, "checkpoint", None):
        entry = entry.model_copy(update={"guidance": replace(entry.guidance, digest=None)})
    return hashlib.sha256(canonical(entry).encode()).hexdigest()[:_LENGTH]


def points_of_sweep(experiment: Experiment, name: str) -> Points:
    """Return the entries that a sweep draws, in its order.

    Raises:
        InputError: if it has none, if one is wrong, or if two are the same.
    """
    return _kept(("sweep", name), experiment, lambda: _sweep(experiment, name))


def entry_called(experiment: Experiment, name: str) -> SampleConfig:
    """Return an entry of `samples`, or the point of a digest.

    Raises:
        InputError: if the experiment has none of this name.
    """
    if name in experiment.samples:
        return experiment.samples[name]
    if not name.startswith(FOLDER):
        known = ", ".join(experiment.samples)
        raise InputError(f"samples: {show(name)} is not among them; known: {known}")
    for sweep in experiment.sweeps:
        if name in (points := points_of_sweep(experiment, sweep)):
            return points[name]
    with suppress(InputError):  # who asks for the figure is told
        if name in (points := points_of_convergence(experiment)):
            return points[name]
    raise InputError(f"sweeps: none has the point {name}; sweep_NAME.csv lists those of one")


def all_drawn(experiment: Experiment) -> Iterator[SampleConfig]:
    """Yield the entries of `samples`, and the points of sweeps; an InputError if one is wrong."""
    yield from experiment.samples.values()
    for name in experiment.sweeps:
        yield from points_of_sweep(experiment, name).values()


def _sweep(experiment: Experiment, name: str) -> Points:
    path, sweep = f"sweeps.{name}", experiment.sweeps[name]
    if len(sweep.over.get("n_samples", ())) > 1:
        raise InputError(f"{path}.over.n_samples: takes one value, the same for every point")
    found = list(sweep.combinations(experiment.samples, path))
    most = max(each.steps or 0 for _, each in found)
    if most > (noise_steps := experiment.diffusion.noise_steps):
        reason = f"{most} must be at most diffusion.noise_steps ({noise_steps})"
        raise InputError(f"{path}.over.steps: {reason}")
    names = named([entry for _, entry in found], experiment)
    for i, (varied, _) in enumerate(found):
        if names[i] in names[:i]:
            words = ", ".join(f"{key} {show(value)}" for key, value in varied.items())
            raise InputError(f"{path}.over: {words} draws the same as another combination")
    return _called([entry for _, entry in found], experiment)


def points_of_convergence(experiment: Experiment) -> Points:
    """Return the entries whose images are compared, and the references.

    Raises:
        InputError: if there are not enough noise steps.
    """
    chains = chains_of_convergence(experiment)
    return {name: entry for chain in chains.values() for name, entry in chain.items()}


def chains_of_convergence(experiment: Experiment) -> dict[str, Points]:
    """Return for each of `convergence.of` its entries, in the order of `steps`, the reference last.

    Raises:
        InputError: if there are not enough noise steps.
    """
    return _kept(("convergence",), experiment, lambda: _chains(experiment))


def _chains(experiment: Experiment) -> dict[str, Points]:
    section, most = experiment.convergence, experiment.diffusion.noise_steps
    reference = section.reference or most
    if reference > most:
        reason = f"{reference} must be at most diffusion.noise_steps ({most})"
        raise InputError(f"convergence.reference: {reason}")
    if max(section.steps) >= reference:
        reason = f"{max(section.steps)} must be less than the steps of the reference ({reference})"
        raise InputError(f"convergence.steps: {reason}")
    entries, chains = section.entries(experiment.samples), {}
    for name in section.of:
        if entries[name].edit:
            reason = "has an edit, and does not lead from noise to an image"
            raise InputError(f"convergence.of: {show(name)} {reason}")
        found = section.sweep(name, reference).combinations(entries, "convergence")
        chain = [entry for _, entry in found]
        chains[name] = _called(chain, experiment)
    return chains


def _called(entries: list[SampleConfig], experiment: Experiment) -> Points:
    """Return entries by name, each as all that draw the same say it."""
    own = experiment.samples
    return {
        name: own.get(name, _usual(entry, experiment))
        for name, entry in zip(named(entries, experiment), entries, strict=True)
    }


def _usual(entry: SampleConfig, experiment: Experiment) -> SampleConfig:
    """Return an entry as all that draw the same say it: with steps; with a seed if it needs one."""
    seed = None if entry.seed == experiment.seed else entry.seed
    filled = entry.filled(experiment.diffusion.noise_steps)
    return filled.model_copy(update={"seed": seed})


_FOUND: dict[tuple[Any, ...], tuple[Any, Any]] = {}


def _kept(which: tuple[str, ...], experiment: Experiment, find: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Find the points of an experiment once: a job graph asks for them once for each of them."""
    sections = ("samples", "sweeps", "convergence", "seed", "diffusion")
    read = [getattr(experiment, name) for name in sections]
    key = (*which, *map(id, read))
    if key not in _FOUND:
        _FOUND[key] = (read, find())  # what is read is kept, so that no other has its id
    return _FOUND[key][1]
