"""What every sampler is: a frozen dataclass of knobs, and one step of arithmetic.

It can be run with any function as a denoiser:

    denoise = lambda x_t, t: from_x_0(schedule, x_t, 0.9 * x_t, t)
    x_s = DDIM().step(denoise, schedule, x_t, 500, 480, keys, memory=()).x
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from sfumato.config.calls import InputErrorMeta

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Ask, Given, Int, Prediction
    from sfumato.diffusion.schedule import Schedule


class Step(NamedTuple):
    """What a step returns.

    Attributes:
        x: x_s, of the shape of x_t.
        prediction: what the denoiser said at x_t, where snapshots take it from.
        memory: what the next step is told.
    """

    x: Array
    prediction: Prediction
    memory: Any


@dataclass(frozen=True)
class Sampler(metaclass=InputErrorMeta):
    """A rule that takes x_t, at time t, to x_s, at another time s, by asking a denoiser."""

    default_steps: ClassVar[int | None] = None
    """How many steps are taken by default; None stands for every noise step."""
    traced: ClassVar[tuple[str, ...]] = ()
    """Names of the knobs that only multiply, see `compute.knobs`."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def asks(self, t: int, s: int) -> tuple[int, ...]:
        """Return the times at which the step from t to s asks the denoiser; on the host."""
        return (t,)

    def along(self, times: Sequence[int]) -> Self:
        """Return the sampler for a chain along times (N + 1,), the end among them; on the host.

        One that does something else in its last step learns here where that is.
        """
        return self

    def init(self, x: Array, given: Given) -> Any:
        """Return the memory of the first step: its structure and shapes are those of every memory.

        Args:
            x: (B, ...), the start.
            given: what is known of each sample.

        Returns:
            A pytree of arrays (B, ...): every one has the samples as its first axis.
        """
        return ()

    @abstractmethod
    def step(
        self, denoise: Ask, schedule: Schedule, x_t: Array, t: Int, s: Int, keys: Array, memory: Any
    ) -> Step:
        """Take a batch from time t to time s.

        Args:
            denoise: (x_t, t) -> Prediction.
            schedule: the noise schedule.
            x_t: (B, ...), the states at time t.
            t: time of x_t, a scalar int32.
            s: time to go to, a scalar int32; -1 is the data.
            keys: (B,), each sample's key of this step.
            memory: what the step before returned, or `init`.
        """
