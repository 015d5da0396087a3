"""Classifier-free guidance: Ho and Salimans 2022, arXiv:2207.12598, equation 6.

x_0 = x_0^u + w (x_0^c - x_0^u)

of what a network says with the class and without any: w = 1 is the conditional model, w = 0 the
unconditional one, and more goes beyond. The paper's w, and that of some libraries, is w - 1. eps is
mixed alike; it is derived from x_0, since alpha_t may be 0.

interval   w holds at some times alone: Kynkaanniemi et al. 2024, arXiv:2404.07724
rescale    x_0 -> phi std(x_0^c) / std(x_0) x_0 + (1 - phi) x_0, std over the pixels of an image:
           Lin et al. 2023, arXiv:2305.08891, section 3.4
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass

from sfumato.compute.knobs import is_exactly
from sfumato.config.fields import Real, Whole
from sfumato.config.labels import NO_CLASS
from sfumato.diffusion.prediction import from_x_0
from sfumato.guidance.base import Guidance

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Denoise, Given, Int, Prediction
    from sfumato.diffusion.schedule import Schedule

ROUNDING = 1e-5
"""Rounding to float32 gives a constant image of ones a standard deviation below this."""
Time = Annotated[Whole, Field(ge=0)]


@dataclass(frozen=True)
class ClassifierFree(Guidance):
    """Go from what a network says without a class towards what it says with one, and beyond."""

    traced: ClassVar[tuple[str, ...]] = ("scale", "rescale")
    needs_labels: ClassVar[bool] = True

    scale: Real = Field(default=3.0, ge=0, le=1000)
    """w: 1 is the conditional model, 0 the unconditional one. 1 asks the network once a step, and
    so does 0 without rescale."""
    interval: tuple[Time, Time] | None = None
    """First and last time, both included, at which w holds; at others it is 1. null: all times."""
    rescale: Real = Field(default=0.0, ge=0, le=1)
    """phi: how far each image gets the contrast of the conditional prediction."""

    @field_validator("interval")
    @classmethod
    def _check_interval(cls, interval: tuple[int, int] | None) -> tuple[int, int] | None:
        if interval and interval[0] > interval[1]:
            raise ValueError("must be [first, last], and the first time is not after the last")
        return interval

    def mistakes(self, noise_steps: int) -> Iterator[tuple[str, str]]:
        """See Guidance.mistakes."""
        if self.interval and self.interval[1] >= noise_steps:
            most = f"{noise_steps - 1}, the last of diffusion.noise_steps"
            yield "interval", f"{self.interval[1]} must be at most {most}"

    def predict(
        self, denoise: Denoise, schedule: Schedule, x_t: Array, t: Int, given: Given
    ) -> Prediction:
        """Return the guided prediction; see Guidance.predict."""
        import jax
        import jax.numpy as jnp

        if is_exactly(self.scale, 1):
            return denoise(x_t, t, given)
        if self.interval is None or self.interval == (0, schedule.noise_steps - 1):
            return self._mix(denoise, schedule, x_t, t, given)
        first, last = self.interval
        return jax.lax.cond(
            (jnp.asarray(t) >= first) & (jnp.asarray(t) <= last),
            lambda: self._mix(denoise, schedule, x_t, t, given),
            lambda: denoise(x_t, t, given),
        )

    def cost(self, t: int, inner: Callable[[int], int]) -> int:
        """Return 2 evaluations where both are asked; see Guidance.cost."""
        first, last = self.interval or (t, t)
        inside = first <= t <= last
        return 2 * inner(t) if inside and not self._asks_one() else inner(t)

    def _asks_one(self) -> bool:
        """Tell whether one of the two predictions is the result."""
        unconditional = is_exactly(self.scale, 0) and is_exactly(self.rescale, 0)
        return is_exactly(self.scale, 1) or unconditional

    def _mix(
        self, denoise: Denoise, schedule: Schedule, x_t: Array, t: Int, given: Given
    ) -> Prediction:
        """Ask with and without the class, both in one batch, and mix what is said."""
        import jax.numpy as jnp

        if self._asks_one():
            without = {name: array for name, array in given.items() if name != "labels"}
            return denoise(x_t, t, without)
        both = {name: jnp.concatenate([array, array]) for name, array in given.items()}
        labels = given["labels"]
        both["labels"] = jnp.concatenate([labels, jnp.full_like(labels, NO_CLASS)])
        said = denoise(jnp.concatenate([x_t, x_t]), t, both).x_0
        conditional, unconditional = said[: len(x_t)], said[len(x_t) :]
        x_0 = unconditional + self.scale * (conditional - unconditional)
        if not is_exactly(self.rescale, 0):
            x_0 = self.rescale * with_contrast_of(conditional, x_0) + (1 - self.rescale) * x_0
        return from_x_0(schedule, x_t, x_0, t)


def with_contrast_of(model: Array, x: Array) -> Array:
    """Scale each image of x (B, ...) to the standard deviation of that of `model`.

    An image without any, but for what rounding makes of a constant one, is left as it is.
    """
    import jax.numpy as jnp

    axes = tuple(range(1, x.ndim))
    std, wanted = x.std(axes, keepdims=True), model.std(axes, keepdims=True)
    varied = std > ROUNDING * abs(x).max(axes, keepdims=True)
    return x * jnp.where(varied, wanted / jnp.where(varied, std, 1), 1)
