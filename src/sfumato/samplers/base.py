"""What every sampler is: frozen settings and one step of arithmetic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from sfumato.config.fields import Flag

if TYPE_CHECKING:
    import jax

    from sfumato.diffusion.schedule import Schedule


@dataclass(frozen=True)
class Sampler(ABC):
    """A rule that carries x_t, at time t, to x_s, at an earlier time s.

    Attributes:
        clip: clip the prediction of x_0 to [-1, 1], the range of images, at each step.
    """

    default_steps: ClassVar[int | None] = None
    """Steps taken where nobody asks for a number; None stands for every noise step."""

    __pydantic_fields__: ClassVar[dict[str, Any]]
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    clip: Flag = True

    @abstractmethod
    def step(
        self,
        schedule: Schedule,
        x_t: jax.Array,
        eps: jax.Array,
        t: jax.typing.ArrayLike,
        s: jax.typing.ArrayLike,
        key: jax.Array,
        x_0: jax.Array | None = None,
    ) -> jax.Array:
        """Draw x_s given x_t and the predicted noise.

        Args:
            schedule: the noise schedule.
            x_t: the state at time t, of any shape.
            eps: the noise predicted in x_t, of the same shape.
            t: time of x_t, 0 .. noise_steps - 1, a scalar.
            s: time to go to, -1 <= s < t, a scalar; -1 is the data.
            key: random key of this step.
            x_0: the prediction of x_0, where the network gives it; else it follows from eps.

        Returns:
            x_s, of the shape of x_t.
        """
