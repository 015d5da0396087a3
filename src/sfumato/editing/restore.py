"""Images from measurements, y = A x_0 + noise z, with the network as the prior.

`pigdm`  moves each prediction of x_0 towards the measurement, see `editing/_posterior.py`
`dps`    takes the step of any sampler, and then one against the distance from the measurement:
         Chung et al. 2023, arXiv:2209.14687, algorithm 1

    x_s = step(x_t) - scale grad_{x_t} |y - A m(x_t)|,   m the prediction of x_0

The distance is not squared, as in the authors' code; in algorithm 1 it is, and zeta_i there is
scale / (2 |y - A m|).

Both take the gradient through the network, of a prediction that is not clipped. One that is clipped
is what the sampler sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass as plain_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from sfumato.compute.randomness import normal
from sfumato.config.fields import Real
from sfumato.diffusion.prediction import Prediction, from_x_0
from sfumato.editing._images import OfImages
from sfumato.editing._masks import random_masks
from sfumato.editing._operators import Operator, OperatorConfig, matrix
from sfumato.editing._posterior import PseudoInverse
from sfumato.editing._wrapping import Wrapping
from sfumato.editing.base import MASK, MEASUREMENT, Around, Asked, Mistake
from sfumato.errors import InputError
from sfumato.samplers.base import Sampler, Step

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Ask, Denoise, Int
    from sfumato.diffusion.schedule import Schedule
    from sfumato.guidance.base import Guidance


@dataclass(frozen=True)
class Restore(OfImages):
    """Draw images of which little was measured."""

    kept: ClassVar[tuple[str, ...]] = ("original", "measured")
    differentiates: ClassVar[bool] = True

    method: Literal["pigdm", "dps"] = "pigdm"
    """How predictions are led to the measurement: `pigdm` or `dps`."""
    operator: OperatorConfig = Field(default={"downsample": 2}, validate_default=True)
    """What is measured, by name, and its number. The mean of each block of pixels, by
    downsample: its side, 2, 4 or 8. A Gaussian blur, by blur: its standard deviation, up to 16
    pixels. Some of the pixels, by random: their share."""
    noise: Real = Field(default=0.05, ge=0, le=10)
    """Standard deviation of the noise in each measured number, from 0."""
    scale: Real | None = Field(default=None, gt=0)
    """Of dps alone: what the gradient of the distance |y - A m| is multiplied by; null is 1."""

    def mistakes(self, around: Around) -> Iterator[Mistake]:
        """Yield what does not fit; see Edit.mistakes."""
        yield from super().mistakes(around)
        if unfit := self._unfit(around.image_shape):
            yield "edit.operator", unfit
        if self.method == "pigdm" and self.scale is not None:
            yield "edit.scale", f"{self.scale:g} is a knob of edit.method dps alone"
        if self.method == "dps" and around.clip == "dynamic":
            yield "clip", "must be true or false for dps, which clips what the sampler sees"
        if self.method == "dps" and len(around.sampler.asks(1, 0)) > 1:
            yield "sampler", "must ask once a step for dps; choose another, or edit.method pigdm"

    def _unfit(self, image_shape: tuple[int, ...]) -> str:
        """Say what is wrong with images (H, W, C); nothing if they fit."""
        factor, (height, width, _) = self.operator.get("downsample", 1), image_shape
        if not (height % factor or width % factor):
            return ""
        return (
            f"{self.operator} needs images of which it divides height and width, not "
            f"{height} by {width}"
        )

    def measured_shape(self, image_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of a measurement of an image (H, W, C).

        Raises:
            InputError: if the operator does not divide its sides.
        """
        if unfit := self._unfit(image_shape):
            raise InputError(f"operator: {unfit}")
        factor, (height, width, channels) = int(self.operator.get("downsample", 1)), image_shape
        return height // factor, width // factor, channels

    def given(self, asked: Asked) -> dict[str, Any]:
        """Return `original`, `measured` (B, h, w, C), and the `mask` of a share of the pixels."""
        import jax

        if "measured" in asked.arrays:  # by the user, of images that are not known
            rows = np.array(asked.indices)
            return {name: np.asarray(asked.arrays[name])[rows] for name in asked.arrays}
        known = super().given(asked)
        which, images = self.which(asked), known["original"]
        share = self.operator.get("random")
        if share is not None:
            masks = random_masks(asked.keys(which, MASK), share, asked.image_shape)
            known["mask"] = masks.astype(np.float32)
        clean = np.array(
            [self._measured(each, known, i) for i, each in enumerate(images)], np.float32
        )
        keys = asked.keys(which, MEASUREMENT)
        draw = jax.jit(normal)  # one at a time: the same noise, whatever else is drawn
        z = np.concatenate(
            [np.asarray(draw(keys[i : i + 1], clean[:1])) for i in range(len(clean))]
        )
        noisy = clean + np.float32(self.noise) * z
        return known | {"measured": known.get("mask", np.float32(1)) * noisy}

    def _measured(self, image: np.ndarray, known: Mapping[str, np.ndarray], i: int) -> np.ndarray:
        if "mask" in known:
            return image * known["mask"][i]
        ((kind, amount),) = self.operator.items()
        left, right = (matrix(kind, amount, size) for size in image.shape[:2])
        return np.stack([left @ channel @ right.T for channel in np.moveaxis(image, -1, 0)], -1)

    def denoiser(self, denoise: Denoise, schedule: Schedule, clip: Guidance | None) -> Denoise:
        """Return the denoiser that knows the measurement, for pigdm; see Edit.denoiser."""
        if self.method == "dps":
            return denoise
        denoise = PseudoInverse(Operator.of(self.operator), self.noise)(denoise, schedule)
        return clip(denoise, schedule) if clip else denoise

    def sampler(self, sampler: Sampler, clip: bool | str) -> Sampler:
        """Return the sampler that follows the measurement, for dps; see Edit.sampler."""
        if self.method == "pigdm":
            return sampler
        return PosteriorSampling(sampler, Operator.of(self.operator), self.scale or 1.0, bool(clip))


@plain_dataclass(frozen=True)
class PosteriorSampling(Wrapping):
    """DPS: a step of a sampler that asks once, and then one towards what was measured.

    The sampler forgets, at each step, what it remembers: the state is another one.
    """

    traced: ClassVar[tuple[str, ...]] = ("scale",)

    operator: Operator
    """A, the measurement."""
    scale: float
    """What the gradient of the distance |y - A m| is multiplied by."""
    clip: bool
    """Whether the sampler inside sees a clipped prediction."""

    def step(
        self, denoise: Ask, schedule: Schedule, x_t: Array, t: Int, s: Int, keys: Array, memory: Any
    ) -> Step:
        """Return x_s of the equation above; see Sampler.step."""
        import jax
        import jax.numpy as jnp

        prediction, pull = jax.vjp(lambda x: denoise(x, t), x_t)
        away = memory["measured"] - self.operator.measure(prediction.x_0, memory)
        distance = jnp.sqrt((away**2).sum((1, 2, 3), keepdims=True))
        unit = away / jnp.where(distance > 0, distance, 1)
        towards = self.operator.transpose(unit, memory, x_t)
        (gradient,) = pull(Prediction(towards, jnp.zeros_like(x_t)))

        if self.clip:
            prediction = from_x_0(schedule, x_t, prediction.x_0.clip(-1, 1), t)
        first = self.inner.init(x_t, memory)
        step = self.inner.step(lambda x, at: prediction, schedule, x_t, t, s, keys, first)
        x_s = step.x + self.scale * gradient
        if self.clip:
            x_s = jnp.where(jnp.asarray(s) < 0, x_s.clip(-1, 1), x_s)
        return Step(x_s, prediction, memory)
