"""Inpainting by resampling, RePaint: Lugmayr et al. 2022, arXiv:2201.09865, equation 8.

A step from t to s is taken by any sampler; then the known pixels are put back, as noisy as at s:

x_s = mask (alpha_s x_0 + sigma_s z) + (1 - mask) step(x_t),   z ~ N(0, I)

So that the drawn part comes to agree with the known one, the step is taken again, r times in all
(the paper's jump length is 1 here; its best results have 10), each time from

x_t = alpha_t / alpha_s x_s + sqrt(beta_{t|s}) z',   z' ~ N(0, I)

The step to the data is taken once, and adds no noise: known pixels come back unchanged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from sfumato.compute.randomness import keys_at, normal
from sfumato.config.fields import Whole
from sfumato.config.inputs import Input
from sfumato.diffusion.prediction import Prediction
from sfumato.editing._images import OfImages, read_picture
from sfumato.editing._masks import Mask, check_masks, masks_of
from sfumato.editing._wrapping import Wrapping
from sfumato.editing.base import Asked
from sfumato.samplers.base import Sampler, Step

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Ask, Int
    from sfumato.diffusion.schedule import Schedule
    from sfumato.records.opening import Opened

HARD = 0.5
"""How far from mid-grey, of -1 to 1, black and white in the file of a mask may be."""
_LOG = logging.getLogger("sfumato")
KNOWN, BACK = 2**30, 2**30 + 1
"""Folded into a step's keys for the noise of the known pixels, and of the way back."""


@dataclass(frozen=True)
class Inpaint(OfImages):
    """Draw the unknown pixels of an image, and keep the known ones."""

    kept: ClassVar[tuple[str, ...]] = ("original", "known", "mask")

    mask: Mask = "half"
    """What is known: `half`, the upper half; `box`, all but a central box of half the side;
    `{random: p}`, a share p of the pixels, drawn for each sample; `{file: mask.png}`, what is white
    in a picture of the images' size."""
    resample: Whole = Field(default=10, ge=1, le=1000)
    """How often each step is taken, r, 1 to 1000: more agree better, and cost as much more."""

    def inputs(self) -> dict[str, Input]:
        """Return the files of image and mask; see Edit.inputs."""
        own = {"mask": Input(self.mask["file"])} if "file" in self.mask else {}
        return super().inputs() | own

    def arrays(
        self, files: Mapping[str, Path | Opened], image_shape: tuple[int, ...]
    ) -> dict[str, np.ndarray]:
        """Return the images, and the mask (1, H, W, 1); see Edit.arrays."""
        found = super().arrays(files, image_shape)
        if path := files.get("mask"):
            name = "edit.mask.file"
            levels = read_picture(name, path, (*image_shape[:2], 1))
            if soft := (np.abs(levels) < HARD).sum():
                _LOG.warning(
                    "%s: %d of %d pixels are neither black nor white; from mid-grey up they are "
                    "known, the others drawn",
                    *(name, soft, levels.size),
                )
            found["mask"] = check_masks(name, levels > 0, image_shape)
        return found

    def given(self, asked: Asked) -> dict[str, Any]:
        """Return `original` (B, H, W, C) and `mask` (B, H, W, 1), True where it is known."""
        return super().given(asked) | {"mask": masks_of(self.mask, asked)}

    def sampler(self, sampler: Sampler, clip: bool | str) -> Sampler:
        """Return the sampler that puts back what is known; see Edit.sampler."""
        return Resampling(sampler, self.resample)

    def shown(self, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return image, what is known of it, the rest grey, and mask (B, H, W); see Edit.shown."""
        original, mask = np.asarray(given["original"]), np.asarray(given["mask"])
        known = np.where(mask, original, np.float32(0))
        return {"original": original, "known": known, "mask": mask[..., 0].astype(np.float32)}


@plain_dataclass(frozen=True)
class Resampling(Wrapping):
    """Takes each step of a sampler several times, and puts back what is known.

    The sampler forgets, at each visit of a time, what it remembers: the state is another one. A
    solver of second order that remembers is of first order here.
    """

    resample: int
    """How often each step is taken."""

    def asks(self, t: int, s: int) -> tuple[int, ...]:
        """Return the times of the step inside, as often as it is taken; see Sampler.asks."""
        return self.inner.asks(t, s) * (self.resample if s >= 0 else 1)

    def step(
        self, denoise: Ask, schedule: Schedule, x_t: Array, t: Int, s: Int, keys: Array, memory: Any
    ) -> Step:
        """Return x_s of the equations above; see Sampler.step."""
        import jax
        import jax.numpy as jnp

        alpha_s, sigma_s = schedule.alpha(s), schedule.sigma(s)
        visits = jnp.where(jnp.asarray(s) < 0, 1, self.resample)

        def visit(i: Int, state: tuple[Array, Any]) -> tuple[Array, Any]:
            own = keys_at(keys, i)
            own = jnp.where(jnp.asarray(i) == 0, keys, own)  # the first is that of a plain step
            step = self.inner.step(
                denoise, schedule, state[0], t, s, own, self.inner.init(state[0], memory)
            )
            known = alpha_s * memory["original"] + sigma_s * normal(keys_at(own, KNOWN), x_t)
            x_s = jnp.where(memory["mask"], known, step.x)
            noise = schedule.beta(t, s) ** 0.5 * normal(keys_at(own, BACK), x_t)
            back = schedule.alpha(t) / alpha_s * x_s + noise
            return jnp.where(i + 1 < visits, back, x_s), step.prediction

        none = Prediction(jnp.zeros_like(x_t), jnp.zeros_like(x_t))
        if self.resample == 1:
            x_s, prediction = visit(0, (x_t, none))
        else:
            x_s, prediction = jax.lax.fori_loop(0, visits, visit, (x_t, none))
        return Step(x_s, prediction, memory)
