"""How fast images settle as a chain takes more steps: the content of a `convergence.json`.

d(N) = sqrt(mean (x_N - x_ref)^2)   over all pixels and samples, from the same noise

A method of order p has d(N) ~ N^-p while the steps are small and the reference is far better. It is
fitted against network evaluations, to which N is proportional, or nearly so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from sfumato.config.fields import Real, Section, Whole
from sfumato.errors import InputError
from sfumato.records.measurements import Measurement
from sfumato.records.opening import Opened


class Drawn(NamedTuple):
    """The samples of a point.

    Attributes:
        images: (N, H, W, C).
        steps: of the chain.
        nfe: network evaluations of a sample.
    """

    images: np.ndarray
    steps: int
    nfe: int


class Curve(Section):
    """One sampler at several numbers of steps."""

    of: str
    """The entry of `samples`, or the sampler."""
    steps: tuple[Whole, ...]
    """Lengths of the chains."""
    nfe: tuple[Whole, ...]
    """Network evaluations of a sample, of each."""
    distances: tuple[Real, ...]
    """Root mean square distance of each one's images from the reference's, per pixel."""
    order: Real | None
    """The fitted p; null unless two distances above 0 took different evaluations."""


class Convergence(Measurement):
    """All of them: the content of a `convergence.json`."""

    reference: Whole
    """Steps of the images that others are compared with."""
    n_samples: Whole
    """How many samples of each were compared."""
    curves: list[Curve]
    """One of each sampler."""


def drawn_of(samples: Opened) -> tuple[str, Drawn]:
    """Return the name of a point, and what its file holds.

    Raises:
        InputError: if it does not say how long its chain is.
    """
    (name,), chain = samples.record.settings["samples"], samples.record.chain
    if chain is None:
        raise InputError(f"{samples.path}: this file does not say how many steps were taken")
    return name, Drawn(samples.read()["images"], chain.steps, chain.nfe)


def curve(
    of: str,
    names: Sequence[str],
    drawn: Mapping[str, Drawn],
) -> Curve:
    """Compare a sampler's images with those of its reference, the last of `names`.

    Args:
        of: what is compared.
        names: of the points.
        drawn: each of them.

    Raises:
        InputError: if a point was not drawn.
    """
    if missing := [name for name in names if name not in drawn]:
        raise InputError(f"--samples: those of {missing[0]} are not among them")
    *compared, reference = names
    last = drawn[reference].images.astype(np.float64)
    distances = [float(np.sqrt(np.mean((drawn[name].images - last) ** 2))) for name in compared]
    nfe = [drawn[name].nfe for name in compared]
    return Curve(
        of=of,
        steps=tuple(drawn[name].steps for name in compared),
        nfe=tuple(nfe),
        distances=tuple(distances),
        order=fitted_order(nfe, distances),
    )


def fitted_order(nfe: Sequence[int], distances: Sequence[float]) -> float | None:
    """Return p of the line log d = c - p log NFE that fits best, by least squares."""
    found = [(n, d) for n, d in zip(nfe, distances, strict=True) if d > 0]
    if len({n for n, _ in found}) < 2:  # noqa: PLR2004 (of a line)
        return None
    slope, _ = np.polyfit(*np.log(np.array(found)).T, deg=1)
    return float(-slope)
