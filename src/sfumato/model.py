"""The object-style interface: a DDPM as one thing that noises, predicts and samples.

    model = DDPMModel(ModelConfig(name="ddpm_mnist", input_dim=(28, 28, 1)), rngs=nnx.Rngs(0))
    samples = model.sample(8, scheduler="ddim", steps=50)

It is thin: the schedule, the network, the samplers and the loop are usable alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import index
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.core import Tracer

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.model import UNetConfig
from sfumato.config.sampling import sampler_section
from sfumato.config.validation import nearest, validate
from sfumato.diffusion.forward import diffuse, eps_from_prediction
from sfumato.diffusion.schedule import Schedule, make_schedule
from sfumato.diffusion.times import spaced_timesteps
from sfumato.errors import InputError
from sfumato.networks.denoiser import Predict, ask, noise_predictor
from sfumato.networks.unet import UNet, initialise
from sfumato.samplers import sampler_class
from sfumato.samplers.base import Sampler
from sfumato.samplers.ddpm import DDPM
from sfumato.sampling.batches import sample


@dataclass
class ModelConfig:
    """What a model is made from.

    Attributes:
        name: any name.
        model_class: "DDPMModel".
        input_dim: (height, width, channels) of an image.
        parameters: settings of the config's sections `diffusion` and `model` by their own names,
            such as `noise_steps`, `beta_schedule`, `channels`. May be changed until a model is
            made from it.
    """

    name: str
    model_class: Literal["DDPMModel"] = "DDPMModel"
    input_dim: tuple[int, ...] = (28, 28, 1)
    parameters: dict[str, Any] = field(default_factory=dict)

    def resolve(self) -> tuple[UNetConfig, DiffusionConfig]:
        """Return the settings of network and diffusion; an InputError names what is wrong."""
        if self.model_class != "DDPMModel":
            raise InputError(f"model_class: {self.model_class!r} must be 'DDPMModel'")
        network = {"input_dim": self.input_dim}
        diffusion = {}
        for key, value in self.parameters.items():
            if key in DiffusionConfig.model_fields:
                diffusion[key] = value
            elif key in UNetConfig.model_fields and key != "input_dim":
                network[key] = value
            else:
                known = [*DiffusionConfig.model_fields, *UNetConfig.model_fields]
                raise InputError(f"parameters.{key}: unknown key{nearest(key, known)}")
        return (
            validate(UNetConfig, network, "parameters"),
            validate(DiffusionConfig, diffusion, "parameters"),
        )


class DDPMModel(nnx.Module):
    """A denoising diffusion model: Ho, Jain and Abbeel 2020, arXiv:2006.11239.

    Times t run from 0 to noise_steps - 1. Where `rngs` is left out, the model draws from the
    `rngs` it was made with.
    """

    def __init__(self, config: ModelConfig, *, rngs: nnx.Rngs | None = None) -> None:
        """Make the schedule, and a network with fresh weights from stream `params`."""
        network, self.diffusion = config.resolve()
        self.rngs = nnx.Rngs(0) if rngs is None else rngs
        self.unet = initialise(network, self.rngs.params())
        self.schedule = nnx.data(make_schedule(self.diffusion))

    @property
    def noise_steps(self) -> int:
        """T, the length of the forward process."""
        return self.diffusion.noise_steps

    def __call__(
        self,
        x: jax.Array,
        t: jax.typing.ArrayLike,
        labels: jax.Array | None = None,
        *,
        rngs: nnx.Rngs | None = None,
    ) -> dict[str, jax.Array]:
        """Predict the noise in x.

        Args:
            x: (B, H, W, C), noisy images.
            t: (B,) or one time for all.
            labels: (B,), classes, for a network that knows any.
            rngs: stream `dropout`, used while training.

        Returns:
            {"predicted_noise": (B, H, W, C)}
        """
        x = self._images(x)
        t = self._times(t, len(x))
        if labels is not None and self.unet.config.num_classes:
            labels = _checked("labels", labels, self.unet.config.num_classes)
        graphdef, state = nnx.split(self.unet)
        key = self._rngs(rngs).dropout() if self.unet.config.dropout else None
        prediction = _apply(graphdef, state, x, t, labels, key)
        kind = self.diffusion.prediction_type
        return {"predicted_noise": eps_from_prediction(self.schedule, x, prediction, t, kind)}

    def forward_diffusion(
        self, x: jax.Array, t: jax.typing.ArrayLike, *, rngs: nnx.Rngs | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Draw x_t ~ q(x_t | x): x (B, H, W, C) in [-1, 1], t (B,) -> (noisy_x, noise)."""
        x = self._images(x)
        t = self._times(t, len(x))
        noise = jax.random.normal(self._rngs(rngs).noise(), x.shape, x.dtype)
        return diffuse(self.schedule, x, noise, t), noise

    def denoise_step(
        self, x: jax.Array, t: jax.typing.ArrayLike, *, rngs: nnx.Rngs | None = None
    ) -> jax.Array:
        """Draw x_{t-1} from x_t, one step of DDPM: x (B, H, W, C), t one time for all."""
        x = self._images(x)
        t = _checked("t", t, self.noise_steps)
        if t.size != 1:
            raise InputError(f"t: {t} must be one time, for the whole batch")
        key = self._rngs(rngs).sample()
        return _ancestral_step(self._predictor(), self.schedule, DDPM(), x, t.reshape(()), key)

    def sample(
        self,
        n_samples_or_shape: int | tuple[int, ...] = 8,
        *,
        scheduler: str = "ddpm",
        steps: int | None = None,
        rngs: nnx.Rngs | None = None,
        micro_batch: int = 8,
        spacing: str = "trailing",
        **settings: Any,  # noqa: ANN401
    ) -> jax.Array:
        """Draw images.

        Args:
            n_samples_or_shape: how many, or (N, H, W, C).
            scheduler: name of the sampler, "ddpm" or "ddim".
            steps: length of the chain, 1 .. noise_steps; left out, all steps for DDPM, 50 for DDIM.
            rngs: stream `sample`.
            micro_batch: how many images go through the network at once.
            spacing: which steps a shorter chain visits, see `sfumato.diffusion.times`.
            settings: of the sampler, such as `eta` for DDIM or `variance` for DDPM.

        Returns:
            (N, H, W, C) float32, in [-1, 1] where the sampler clips.
        """
        image_shape = self.unet.config.input_dim
        n_samples = _count(n_samples_or_shape, image_shape)
        sampler = _make_sampler(scheduler, settings)
        if steps is None:
            steps = min(sampler.default_steps or self.noise_steps, self.noise_steps)
        drawn = sample(
            self._predictor(),
            self.schedule,
            sampler,
            timesteps=spaced_timesteps(self.noise_steps, steps, spacing),
            key=self._rngs(rngs).sample(),
            n_samples=n_samples,
            image_shape=image_shape,
            micro_batch=micro_batch,
        )
        return jnp.asarray(drawn.images)

    def _predictor(self) -> Predict:
        return noise_predictor(self.unet, self.schedule, self.diffusion.prediction_type)

    def _rngs(self, rngs: nnx.Rngs | None) -> nnx.Rngs:
        return self.rngs if rngs is None else rngs

    def _times(self, t: jax.typing.ArrayLike, count: int) -> jax.Array:
        t = _checked("t", t, self.noise_steps)
        if t.size != 1 and t.shape != (count,):
            raise InputError(f"t: its shape {t.shape} must be ({count},), or that of one time")
        return jnp.broadcast_to(t.reshape(-1), (count,))

    def _images(self, x: jax.typing.ArrayLike) -> jax.Array:
        x, shape = jnp.asarray(x, jnp.float32), tuple(self.unet.config.input_dim)
        if x.shape[1:] != shape:
            raise InputError(f"x: its shape {x.shape} must be (N, {', '.join(map(str, shape))})")
        return x


@partial(jax.jit, static_argnames="graphdef")
def _apply(
    graphdef: nnx.GraphDef[UNet],
    state: nnx.State,
    x: jax.Array,
    t: jax.Array,
    labels: jax.Array | None,
    key: jax.Array | None,
) -> jax.Array:
    rngs = None if key is None else nnx.Rngs(dropout=key)
    return nnx.merge(graphdef, state)(x, t, labels, rngs=rngs)


@partial(jax.jit, static_argnames="sampler")
def _ancestral_step(
    predict: Predict,
    schedule: Schedule,
    sampler: Sampler,
    x: jax.Array,
    t: jax.Array,
    key: jax.Array,
) -> jax.Array:
    eps, known = ask(predict, x, jnp.broadcast_to(t, x.shape[:1]))
    return sampler.step(schedule, x, eps, t, t - 1, key, **known)


def _checked(name: str, values: jax.typing.ArrayLike, count: int) -> jax.Array:
    """Return whole numbers as an array; those outside 0 .. count - 1 are an error.

    What jax traces cannot be looked at, and passes.
    """
    if not isinstance(values, Tracer):
        given = np.asarray(values)
        whole = np.issubdtype(given.dtype, np.integer)
        if not whole or ((given < 0) | (given >= count)).any():
            raise InputError(f"{name}: {given} must be whole numbers from 0 to {count - 1}")
    return jnp.asarray(values, jnp.int32)


def _count(n_samples_or_shape: int | tuple[int, ...], image_shape: tuple[int, ...]) -> int:
    if isinstance(n_samples_or_shape, tuple | list):
        count, *shape = n_samples_or_shape
    else:
        count, shape = index(n_samples_or_shape), image_shape
    if count < 1 or tuple(shape) != tuple(image_shape):
        raise InputError(
            f"n_samples_or_shape: {n_samples_or_shape} must be a number from 1 up, or that number "
            f"followed by the shape of an image, {image_shape}"
        )
    return count


def _make_sampler(name: str, settings: Mapping[str, Any]) -> Sampler:
    """Make the sampler; a setting that it does not have is an error that lists those it has."""
    sampler = sampler_class(name)
    unknown = set(settings) - set(sampler.__pydantic_fields__)
    if unknown:
        known = ", ".join(sampler.__pydantic_fields__)
        raise InputError(f"{sorted(unknown)[0]}: {name} has no such setting; it has {known}")
    validate(sampler_section(name), dict(settings))
    return sampler(**settings)
