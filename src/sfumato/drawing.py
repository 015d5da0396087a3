"""What a model draws: samples, and edits of images. `DDPMModel` is one that draws."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from threading import Lock
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from flax.errors import TraceContextError

from sfumato.compute.arguments import (
    is_whole,
    numbers,
    of_kind,
    repeated,
    shaped,
    warn,
    whole,
    whole_numbers,
)
from sfumato.compute.modes import in_own_modes
from sfumato.compute.randomness import as_threefry
from sfumato.compute.ranges import check_range
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.labels import RANDOM, is_random
from sfumato.config.samples import ChainConfig
from sfumato.diffusion.prediction import Denoise, Given
from sfumato.diffusion.schedule import Schedule
from sfumato.editing import Edit
from sfumato.editing._masks import check_masks
from sfumato.editing.inpaint import Inpaint
from sfumato.editing.interpolate import Interpolate
from sfumato.editing.invert import Invert
from sfumato.editing.restore import Restore
from sfumato.editing.vary import Vary
from sfumato.errors import InputError
from sfumato.guidance.base import Guidance
from sfumato.networks.base import Network
from sfumato.networks.denoiser import make_denoiser
from sfumato.sampling.calls import chain_of, classes_of, guidance_of, with_guidance
from sfumato.sampling.labels import asked_labels
from sfumato.sampling.samples import finite, join
from sfumato.sampling.walks import Walks

_ONE_AT_A_TIME = Lock()
"""Threads that draw from one model take their keys in turn, and so get different ones."""
_LOG = logging.getLogger("sfumato")
ROUNDING = 1e-5
"""How far outside [-1, 1] an image may be: what float32 makes of numbers in there."""
EXAMPLE = "{'downsample': 2}"
UNCLIPPED: dict[str, Any] = {"clip": False}
"""What is clipped cannot be walked backwards."""


class Drawing(nnx.Module):
    """A network with a schedule, and all that is drawn with it.

    The edits take the options of `DDPMModel.sample` too, but for the number of samples and `noise`;
    where none is named their scheduler is "ddim", and `clip` is False where images are inverted.
    Images are (N, H, W, C), or one image (H, W, C), in [-1, 1]; sample i is made from image i, and
    `n_samples` from a single one.
    """

    network: Network
    schedule: Schedule
    diffusion: DiffusionConfig
    rngs: nnx.Rngs

    @in_own_modes
    def inpaint(
        self,
        images: jax.typing.ArrayLike,
        mask: jax.typing.ArrayLike,
        *,
        resample: int = 10,
        n_samples: int | None = None,
        **options: Any,
    ) -> jax.Array:
        """Draw the pixels of images that are not known, see `sfumato.editing.inpaint`.

        Args:
            images: of which a part is known.
            mask: (H, W), or one for each image: 1 or True where a pixel is known, else 0.
            resample: how often each step is taken.
            n_samples: how many completions of a single image.
            options: those of `sample`.

        Returns:
            (N, H, W, C); known pixels come back unchanged.
        """
        given = self._pictures("images", images, n_samples)
        masks = check_masks("mask", numbers("mask", mask), self._shape, len(given))
        arrays = {"images": given, "mask": masks}
        return self._draw(len(given), Inpaint(resample=resample), arrays, **options)

    @in_own_modes
    def vary(
        self,
        images: jax.typing.ArrayLike,
        *,
        strength: float = 0.6,
        n_samples: int | None = None,
        **options: Any,
    ) -> jax.Array:
        """Draw variations of images, see `sfumato.editing.vary`.

        Args:
            images: what is varied.
            strength: how much is drawn anew, above 0 and up to 1.
            n_samples: how many variations of a single image.
            options: those of `sample`.
        """
        given = self._pictures("images", images, n_samples)
        return self._draw(len(given), Vary(strength=strength), {"images": given}, **options)

    @in_own_modes
    def invert(self, images: jax.typing.ArrayLike, **options: Any) -> jax.Array:
        """Find the x_T of images by DDIM backwards, for `sample(noise=...)`: `editing.invert`."""
        given = self._pictures("images", images)
        options = UNCLIPPED | options
        noise = self._walk(len(given), Invert(), {"images": given}, **options)[1]["noise"]
        return jnp.asarray(finite("noise", noise))

    @in_own_modes
    def reconstruct(self, images: jax.typing.ArrayLike, **options: Any) -> jax.Array:
        """Find the noise of images, and draw the images from it again."""
        given = self._pictures("images", images)
        return self._draw(len(given), Invert(), {"images": given}, **UNCLIPPED | options)

    @in_own_modes
    def interpolate(
        self,
        a: int | jax.typing.ArrayLike,
        b: int | jax.typing.ArrayLike,
        *,
        n: int = 8,
        **options: Any,
    ) -> jax.Array:
        """Draw n images from a to b, both among them, see `sfumato.editing.interpolate`.

        Args:
            a: an image (H, W, C), or the number of a sample.
            b: the same of the other end.
            n: how many, at least 2.
            options: those of `sample`.
        """
        n = whole("n", n, least=2)
        if is_whole(a) and is_whole(b):
            first, second = whole("a", a, least=0), whole("b", b, least=0)
            return self._draw(n, Interpolate(first=first, second=second), {}, **options)
        ends = [self._pictures(name, each) for name, each in (("a", a), ("b", b))]
        if any(len(end) != 1 for end in ends):
            raise InputError("a, b: must be one image each, or numbers of two samples")
        arrays = {"images": np.concatenate(ends)}
        return self._draw(n, Interpolate(between="images"), arrays, **UNCLIPPED | options)

    @in_own_modes
    def restore(
        self,
        measured: jax.typing.ArrayLike,
        operator: Mapping[str, float] | None = None,
        *,
        mask: jax.typing.ArrayLike | None = None,
        noise: float = 0.05,
        method: Literal["pigdm", "dps"] = "pigdm",
        scale: float | None = None,
        n_samples: int | None = None,
        **options: Any,
    ) -> jax.Array:
        """Draw images that fit measurements, see `sfumato.editing.restore`.

        Args:
            measured: (N, h, w, C), or one measurement (h, w, C).
            operator: {"downsample": 2} or {"blur": 1.5}; left out where there is a mask.
            mask: (H, W), or one for each measurement: 1 or True where a pixel was measured.
            noise: standard deviation of a measured number.
            method: "pigdm" or "dps".
            scale: of dps; left out it is 1.
            n_samples: how many images for a single measurement.
            options: those of `sample`.
        """
        if (operator is None) == (mask is None):
            raise InputError("operator: name one, such as {'downsample': 2}, or give a mask")
        operator = None if operator is None else of_kind("operator", operator, Mapping, EXAMPLE)
        if operator and "random" in operator:
            raise InputError("operator: random does not say which pixels; give their mask instead")
        kind = {"random": 0.5} if operator is None else operator
        edit = Restore(method=method, operator=kind, noise=noise, scale=scale)
        shape = edit.measured_shape(self._shape)
        check_range("measured", measured)
        arrays = {"measured": repeated(shaped("measured", measured, shape), n_samples)}
        n = len(arrays["measured"])
        if mask is not None:
            masks = np.float32(check_masks("mask", numbers("mask", mask), self._shape, n))
            arrays["mask"] = np.broadcast_to(masks, (n, *masks.shape[1:]))
            arrays["measured"] = arrays["measured"] * arrays["mask"]
        return self._draw(n, edit, arrays, **options)

    def _draw(self, n_samples: int, /, *edit: Any, **options: Any) -> jax.Array:
        walks, given, batches = self._walk(n_samples, *edit, **options)
        drawn = join(walks.end(range(n_samples), given, **batches))
        return jnp.asarray(finite("images", drawn.images))

    def _walk(
        self,
        n_samples: int,
        edit: Edit | None = None,
        arrays: Mapping[str, np.ndarray] | None = None,
        /,
        *,
        scheduler: str = "ddim",
        steps: int | None = None,
        rngs: nnx.Rngs | None = None,
        labels: jax.typing.ArrayLike | Literal["random"] | None = None,
        guidance_scale: float | None = None,
        guidance: Guidance | Mapping[str, Any] | None = None,
        micro_batch: int = 8,
        spacing: str = "trailing",
        clip: bool | Literal["dynamic"] = True,
        **knobs: Any,
    ) -> tuple[Walks, Given, dict[str, int]]:
        """Walk all chains but the last; see `sample` for the options."""
        method = guidance_of(guidance, guidance_scale)
        settings = {"steps": steps, "spacing": spacing, "clip": clip, "guidance": method}
        chain = chain_of(scheduler, knobs, **settings, edit=edit)
        chain = with_guidance(chain, self.network.config, self.diffusion, labels is not None)
        if merged := chain.merged(self.schedule):
            warn(f"spacing: {merged}")
        for setting, said in chain.remarks(self.diffusion) if not arrays else ():
            _LOG.warning("%s: %s", setting, said)
        batches = {"micro_batch": whole("micro_batch", micro_batch)}
        key = self._key(rngs, "sample")
        asked = {} if labels is None else {"labels": self._labels(labels, n_samples, chain, key)}
        sizes = (self._shape, n_samples, arrays or {})
        walks = Walks(chain, self._denoiser(), self.schedule, key, *sizes)
        try:
            given, _ = walks.begin(range(n_samples), asked, **batches)
        except InputError as error:
            # It speaks of an entry of `samples`, where the edit's knobs are in `edit`.
            raise InputError(re.sub(r"^edit\.", "", str(error), flags=re.MULTILINE)) from None
        return walks, given, batches

    @property
    def _shape(self) -> tuple[int, ...]:
        return tuple(self.network.config.input_dim)

    def _pictures(
        self, name: str, images: jax.typing.ArrayLike, n_samples: int | None = None
    ) -> np.ndarray:
        """Return images as (N, H, W, C), in [-1, 1]."""
        check_range(name, images)
        array = shaped(name, images, self._shape)
        if np.abs(array).max(initial=0) > 1 + ROUNDING:
            low, high = array.min(), array.max()
            raise InputError(f"{name}: run from {low:g} to {high:g}, and must be in [-1, 1]")
        return repeated(array, n_samples)

    def _denoiser(self) -> Denoise:
        return make_denoiser(self.network, self.schedule, self.diffusion.prediction_type)

    def _rngs(self, rngs: nnx.Rngs | None) -> nnx.Rngs:
        return self.rngs if rngs is None else of_kind("rngs", rngs, nnx.Rngs, "nnx.Rngs(0)")

    def _key(self, rngs: nnx.Rngs | None, stream: str) -> jax.Array:
        """Return the next key of a stream."""
        try:
            with _ONE_AT_A_TIME:
                return as_threefry(getattr(self._rngs(rngs), stream)())
        except TraceContextError:
            raise InputError("rngs: jax traces this; call it outside jit, grad and vmap") from None
        except AttributeError:
            raise InputError(f"rngs: has no stream {stream!r}; nnx.Rngs(0) has any") from None

    def _labels(
        self,
        labels: Any,
        count: int,
        chain: ChainConfig | None = None,
        key: jax.Array | None = None,
    ) -> Any:
        if labels is None:
            return None
        classes = classes_of(chain, self.network.config.num_classes, self._shape)
        if not classes:
            raise InputError("labels: this network knows no classes; set num_classes")
        if is_random(labels) and key is not None:
            return asked_labels(RANDOM, range(count), key, classes)
        labels = whole_numbers("labels", labels, classes, least=-1)
        if labels.size != 1 and labels.shape != (count,):
            found = f"labels: their shape {labels.shape} must be ({count},), or one label"
            turns = f"; np.resize(labels, {count}) takes them in turn" if labels.ndim == 1 else ""
            raise InputError(found + turns)
        return jnp.broadcast_to(labels.reshape(-1), (count,))
