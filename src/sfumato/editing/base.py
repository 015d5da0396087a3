"""What every edit is: a frozen dataclass of knobs that changes the chains that samples walk.

An edit says what is known of each sample, where its chain starts, which times it visits, and what
is put back or corrected around each step. Guidance wraps denoisers, editing wraps samplers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass as plain_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from sfumato.config.calls import InputErrorMeta
from sfumato.config.inputs import Input
from sfumato.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    import jax
    from jax import Array

    from sfumato.diffusion.prediction import Denoise, Given, Int
    from sfumato.diffusion.schedule import Schedule
    from sfumato.guidance.base import Guidance
    from sfumato.records.opening import Opened
    from sfumato.samplers.base import Sampler

Start: TypeAlias = "Callable[[Schedule, Array, Given, Int], Array]"
"""(schedule, x_T (B, ...), given, t) -> x_t: the state at the first time; x_T is pure noise."""


@plain_dataclass(frozen=True)
class Known:
    """The `Start` that is known of each sample, by its name in `given`."""

    name: str

    def __call__(self, schedule: Schedule, x_T: Array, given: Given, t: Int) -> Array:  # noqa: N803
        """Return it, in place of the x_T that was drawn."""
        return given[self.name]


Arrays: TypeAlias = Mapping[str, np.ndarray]
Mistake = tuple[str, str]
"""The setting of an entry that is wrong, `edit.strength`, and what is wrong with it."""

MASK, MEASUREMENT = 1, 2
"""Random numbers of an edit are drawn at these times after T, which no step uses."""


class Walk(NamedTuple):
    """A chain that every sample walks.

    Attributes:
        sampler: the step rule.
        times: (N + 1,), the end among them, falling or rising.
        start: the state at the first time; None for pure noise.
        result: under which name the next chain finds, in `given`, where this one ended.
    """

    sampler: Sampler
    times: np.ndarray
    start: Start | None = None
    result: str = ""


class Around(NamedTuple):
    """What an edit must fit: the chain that samples would walk without it, and how many there are.

    Attributes:
        sampler: the step rule.
        clip: whether predictions are clipped, or `dynamic`.
        times: (N + 1,), the times that a plain chain visits, the end among them.
        noise_steps: T.
        image_shape: (H, W, C).
        n_samples: how many samples are drawn.
        n_images: how many images there are to edit; None where that is not known.
    """

    sampler: Sampler
    clip: bool | str
    times: np.ndarray
    noise_steps: int
    image_shape: tuple[int, ...]
    n_samples: int
    n_images: int | None = None


@plain_dataclass(frozen=True)
class Asked:
    """The samples of which an edit is asked what is known.

    Attributes:
        key: from which sample i draws, see `compute.randomness`.
        indices: which samples.
        total: how many there are in all.
        noise_steps: T.
        image_shape: (H, W, C).
        arrays: what the edit's files hold: `images` (n, H, W, C), `mask`.
    """

    key: jax.Array
    indices: range
    total: int
    noise_steps: int
    image_shape: tuple[int, ...]
    arrays: Arrays

    def keys(self, indices: np.ndarray, after: int) -> jax.Array:
        """Return the keys of samples (B,) at a time `after` T, which no step uses."""
        import jax.numpy as jnp

        from sfumato.compute.randomness import keys_at, sample_keys

        return keys_at(sample_keys(self.key, jnp.asarray(indices)), self.noise_steps + after)


@dataclass(frozen=True)
class Edit(metaclass=InputErrorMeta):
    """A change of what samples start from, and of what they keep."""

    kept: ClassVar[tuple[str, ...]] = ()
    """The arrays in `given` that are written beside the samples."""
    differentiates: ClassVar[bool] = False
    """Whether it takes gradients of the network, whose last bits depend on how many devices work at
    once: such a chain stays on one."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def inputs(self) -> dict[str, Input]:
        """Return the files that the edit reads, by name."""
        return {}

    def arrays(
        self, files: Mapping[str, Path | Opened], image_shape: tuple[int, ...]
    ) -> dict[str, np.ndarray]:
        """Read the edit's files: the user's own come as paths, results of the workflow opened.

        Raises:
            InputError: if one is no picture, or of another size.
        """
        return {}

    def mistakes(self, around: Around) -> Iterator[Mistake]:
        """Yield what does not fit the rest of an entry."""
        return iter(())

    def given(self, asked: Asked) -> dict[str, Any]:
        """Return what is known of each sample, by name: every array has the samples first."""
        return {}

    def times(self, around: Around) -> np.ndarray:
        """Return the times (N + 1,) that the chain visits, of those of a plain one."""
        return around.times

    def denoiser(self, denoise: Denoise, schedule: Schedule, clip: Guidance | None) -> Denoise:
        """Return the denoiser that the chains ask, made of one without `clip`, if there is any."""
        return clip(denoise, schedule) if clip else denoise

    def sampler(self, sampler: Sampler, clip: bool | str) -> Sampler:
        """Return the sampler that this edit makes of `sampler`."""
        return sampler

    def walks(self, around: Around) -> tuple[Walk, ...]:
        """Return the chains that samples walk, one after the other."""
        return (Walk(self.sampler(around.sampler, around.clip), self.times(around)),)

    def shown(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return the arrays that are written beside the samples: what a reader wants to see."""
        return {name: np.asarray(given[name], np.float32) for name in self.kept}


def check(edit: Edit, around: Around) -> None:
    """Raise an InputError with a line for each thing in which an edit does not fit."""
    if found := list(edit.mistakes(around)):
        raise InputError("\n".join(f"{place}: {reason}" for place, reason in found))
