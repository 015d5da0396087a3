"""From one sample to another, along the sphere on which noise lies: Shoemake 1985, section 3.3.

x_T = (sin((1 - f) theta) x + sin(f theta) y) / sin(theta),   cos(theta) = x . y / (|x| |y|)

with f from 0 to 1 over the samples, as in arXiv:2010.02502, equation 67. Noise of d pixels has a
norm of about sqrt(d), and so has every point on this way; halfway on a straight line it would be
shorter by a factor of sqrt(2). The ends x and y are the noise of two samples, or that of two
images, see `editing/invert.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from sfumato.compute.randomness import keys_at, normal, sample_keys, threefry_key
from sfumato.config.fields import Whole
from sfumato.config.inputs import Input
from sfumato.editing._images import DATA, test_images
from sfumato.editing.base import Around, Asked, Edit, Known, Mistake, Walk
from sfumato.editing.invert import Inversion, not_invertible

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Given, Int
    from sfumato.diffusion.schedule import Schedule
    from sfumato.records.opening import Opened


@dataclass(frozen=True)
class Interpolate(Edit):
    """Draw what lies between two samples, or between two images."""

    kept: ClassVar[tuple[str, ...]] = ("fraction",)

    between: Literal["noises", "images"] = "noises"
    """What the ends are: the noise of two samples, or that of two test images, inverted."""
    first: Whole = Field(default=0, ge=0, le=2**31 - 1)
    """The number of the sample, or of the image, at one end."""
    second: Whole = Field(default=1, ge=0, le=2**31 - 1)
    """The number of that at the other end."""

    def inputs(self) -> dict[str, Input]:
        """Return the file of the test images, if the ends are images; see Edit.inputs."""
        return {"data": DATA} if self.between == "images" else {}

    def arrays(
        self, files: Mapping[str, Path | Opened], image_shape: tuple[int, ...]
    ) -> dict[str, np.ndarray]:
        """Return the test images; see Edit.arrays."""
        return test_images(files)

    def mistakes(self, around: Around) -> Iterator[Mistake]:
        """Yield what does not fit: two ends in one place, images that are not there."""
        if self.first == self.second:
            yield "edit.second", f"{self.second} is edit.first too, and nothing lies between"
        if self.between == "images":
            n = around.n_images
            for knob, end in (("first", self.first), ("second", self.second)):
                if n is not None and end >= n:
                    yield f"edit.{knob}", f"{end} must be less than {n}, the number of test images"
            yield from not_invertible(around)

    def given(self, asked: Asked) -> dict[str, Any]:
        """Return the place of each sample on the way, `fraction` (B,), and its two ends."""
        import jax
        import jax.numpy as jnp

        indices, ends = np.array(asked.indices), (self.first, self.second)
        known = {"fraction": np.float32(indices / max(asked.total - 1, 1))}
        if self.between == "images":
            images = np.asarray(asked.arrays["images"], np.float32)
            each = [images[end] for end in ends]
        else:
            keys = sample_keys(asked.key, jnp.array(ends))
            each = np.asarray(jax.random.key_data(keys))
        repeated = (np.repeat(end[None], len(indices), axis=0) for end in each)
        return known | dict(zip(("first", "second"), repeated, strict=True))

    def walks(self, around: Around) -> tuple[Walk, ...]:
        """Return the way up from both images, if they are the ends, and the way down."""
        if self.between == "noises":
            return (Walk(around.sampler, around.times, between_samples),)
        up = around.times[::-1]
        return (
            Walk(Inversion(), up, Known("first"), "first_noise"),
            Walk(Inversion(), up, Known("second"), "second_noise"),
            Walk(around.sampler, around.times, between_images),
        )

    def shown(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return `fraction` (B,), and the images at the ends; see Edit.shown."""
        ends = ("first", "second") if self.between == "images" else ()
        return {name: np.asarray(given[name], np.float32) for name in (*self.kept, *ends)}


def slerp(x: Array, y: Array, fraction: Array) -> Array:
    """Return the point between x and y (B, ...) of the equation above, at each fraction (B,).

    Ends that point the same way, or opposite ways, have a straight line between them.
    """
    import jax.numpy as jnp

    def norm(a: Array) -> Array:
        return jnp.sqrt((a * a).sum(tuple(range(1, a.ndim)), keepdims=True))

    f = fraction.reshape(-1, *[1] * (x.ndim - 1))
    # By half of the angle: an arc cosine has no digits left where the ends are nearly opposite.
    scaled_x, scaled_y = norm(y) * x, norm(x) * y
    far, near = norm(scaled_x - scaled_y), norm(scaled_x + scaled_y)
    theta = 2 * jnp.arctan2(far, near)
    sine = 2 * far * near / (far**2 + near**2)
    apart = sine > 1e-3
    theta, sine = jnp.where(apart, theta, 1), jnp.where(apart, sine, 1)
    round_ = (jnp.sin((1 - f) * theta) * x + jnp.sin(f * theta) * y) / sine
    return jnp.where(apart, round_, (1 - f) * x + f * y)


def between_samples(schedule: Schedule, x_T: Array, given: Given, t: Int) -> Array:  # noqa: N803
    """Return what lies between the noise of two samples, of which the keys are known."""

    def noise(end: str) -> Array:
        return normal(keys_at(threefry_key(given[end]), schedule.noise_steps), x_T)

    return slerp(noise("first"), noise("second"), given["fraction"])


def between_images(schedule: Schedule, x_T: Array, given: Given, t: Int) -> Array:  # noqa: N803
    """Return what lies between the noise of two images, which was found."""
    return slerp(given["first_noise"], given["second_noise"], given["fraction"])
