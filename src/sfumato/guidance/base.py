"""What every guidance is: a frozen dataclass of knobs that makes a denoiser out of a denoiser.

denoise = Clipping()(denoise, schedule)
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from sfumato.config.calls import InputErrorMeta
from sfumato.config.inputs import Input

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Denoise, Given, Int, Prediction
    from sfumato.diffusion.schedule import Schedule
    from sfumato.guidance.guided import Guided

Reads = Literal["", "classifier", "checkpoint"]
"""What a method needs besides the denoiser: nothing, the classifier that the experiment trains, or
a second checkpoint."""
OTHERS = ("guided", "clipping", "dynamic_threshold")
"""Files of this room that hold no method that an entry may ask for."""


@dataclass(frozen=True)
class Guidance(metaclass=InputErrorMeta):
    """A rule that changes what a denoiser says; no sampler knows of it."""

    traced: ClassVar[tuple[str, ...]] = ()
    """Names of the knobs that only multiply, see `compute.knobs`."""
    needs_labels: ClassVar[bool] = False
    """Whether it guides towards a class, so that there must be labels."""
    reads: ClassVar[Reads] = ""
    """What it needs besides the denoiser."""
    restored: ClassVar[Any] = None
    """That, in memory, of an instance that `using` returned: a function, or a pytree."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    @abstractmethod
    def predict(
        self, denoise: Denoise, schedule: Schedule, x_t: Array, t: Int, given: Given
    ) -> Prediction:
        """Return the guided prediction of x_t (B, ...) at time t, a scalar.

        Args:
            denoise: the denoiser inside, asked with what this method makes of `given`.
            schedule: the noise schedule.
            x_t: (B, ...), the states at time t.
            t: their time, a scalar int32.
            given: what is known of each sample.
        """

    def cost(self, t: int, inner: Callable[[int], int]) -> int:
        """Return the network evaluations of one prediction at time t.

        Args:
            t: the time.
            inner: those of the denoiser inside, by time.
        """
        return inner(t)

    def mistakes(self, noise_steps: int) -> Iterator[tuple[str, str]]:  # noqa: ARG002
        """Yield (knob, what is wrong) for each knob that does not fit a chain of `noise_steps`."""
        yield from ()

    def inputs(self) -> dict[str, Input]:
        """Return the file that the guidance reads, under the name `guidance`."""
        return {}

    def using(self, restored: Any) -> Self:  # noqa: ANN401
        """Return the same method with what it needs besides the denoiser."""
        whole = copy(self)
        object.__setattr__(whole, "restored", restored)  # frozen; no knob, so not compared
        return whole

    def __call__(self, denoise: Denoise, schedule: Schedule) -> Guided:
        """Return the denoiser that this method makes of `denoise`."""
        from sfumato.guidance.guided import guide

        return guide(self, denoise, schedule)
