"""The object-style interface: a DDPM as one thing that noises, predicts and samples.

    model = DDPMModel(ModelConfig(name="ddpm_mnist", input_dim=(28, 28, 1)), rngs=nnx.Rngs(0))
    samples = model.sample(8, scheduler="ddim", steps=50)

It is thin: the schedule, the network, the samplers and the loop can be used alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, Self

import jax
import jax.numpy as jnp
from flax import nnx

from sfumato.compute.arguments import floats, is_whole, of_kind, shaped, warn, whole_numbers
from sfumato.compute.modes import in_own_modes
from sfumato.compute.randomness import sample_keys
from sfumato.compute.ranges import check_range
from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.forward import forward
from sfumato.diffusion.prediction import Ask, Denoise, prediction_of
from sfumato.diffusion.schedule import Schedule, make_schedule
from sfumato.errors import InputError
from sfumato.guidance.base import Guidance
from sfumato.guidance.clipping import Clipping
from sfumato.learning import AS_BEGUN, Learning
from sfumato.model_config import ModelConfig
from sfumato.networks.base import Network
from sfumato.networks.base_config import NetworkConfig
from sfumato.networks.initialisation import initialise
from sfumato.records.matching import differences
from sfumato.samplers.ddpm import DDPM


class DDPMModel(Learning):
    """A denoising diffusion model: Ho, Jain and Abbeel 2020, arXiv:2006.11239.

    Times t run from 0 to noise_steps - 1. Where `rngs` is left out, the model draws from the
    `rngs` it was made with.
    """

    @in_own_modes
    def __init__(
        self,
        config: ModelConfig,
        *,
        rngs: nnx.Rngs | None = None,
        network: Network | None = None,
    ) -> None:
        """Make the schedule and, unless there is one, a fresh network, from stream `params`."""
        example = "ModelConfig(name='mine')"
        settings, self.diffusion = of_kind("config", config, ModelConfig, example).resolve()
        if left := self.diffusion.left_over():
            warn(left)
        self.rngs = nnx.Rngs(0) if rngs is None else of_kind("rngs", rngs, nnx.Rngs, "nnx.Rngs(0)")
        if network is not None:
            _check_network(network, settings, self.diffusion)
        self.network = network or initialise(settings, self._key(None, "params"))
        if network is None:
            AS_BEGUN.add(self._weights())
        self.schedule = nnx.data(make_schedule(self.diffusion))

    @classmethod
    def _around(
        cls, network: Network, diffusion: DiffusionConfig, name: str, rngs: nnx.Rngs | None
    ) -> Self:
        size = network.config.model_dump(exclude={"input_dim"})
        parameters = {**size, **diffusion.model_dump()}
        config = ModelConfig(name, input_dim=network.config.input_dim, parameters=parameters)
        return cls(config, rngs=rngs, network=network)

    def __repr__(self) -> str:
        """Say in a line what the model is; `nnx.display(model)` shows all that is in it."""
        size, made = self.network.config, self.diffusion
        weights = sum(each.size for each in self._weights())
        shape = " x ".join(map(str, size.input_dim))
        return (
            f"{type(self).__name__}({size.architecture}, images {shape}, {weights:,} parameters, "
            f"{size.num_classes} classes; {made.noise_steps} steps, "
            f"predicts {made.prediction_type})"
        )

    __str__ = __repr__

    @property
    def noise_steps(self) -> int:
        """T, the length of the forward process."""
        return self.diffusion.noise_steps

    @in_own_modes
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
            labels: (B,), classes, for a network that knows any; -1 is none.
            rngs: stream `dropout`, used while training.

        Returns:
            {"predicted_noise": (B, H, W, C)}
        """
        x = self._images(x)
        t = self._times(t, len(x))
        labels = self._labels(labels, len(x))
        graphdef, state = nnx.split(self.network)
        rngs = self._rngs(rngs)
        key = self._key(rngs, "dropout") if _drops(self.network) else None
        output = _apply(graphdef, state, x, t, labels, key)
        kind = self.diffusion.prediction_type
        return {"predicted_noise": prediction_of(kind, self.schedule, x, output, t).eps}

    @in_own_modes
    def forward_diffusion(
        self, x: jax.Array, t: jax.typing.ArrayLike, *, rngs: nnx.Rngs | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Draw x_t ~ q(x_t | x): x (B, H, W, C) in [-1, 1], t (B,) or one -> (noisy_x, noise)."""
        check_range("x", x)
        x = self._images(x)
        t = self._times(t, len(x))
        noise = jax.random.normal(self._key(rngs, "noise"), x.shape, x.dtype)
        return forward(self.schedule, x, noise, t), noise

    @in_own_modes
    def denoise_step(
        self, x: jax.Array, t: jax.typing.ArrayLike, *, rngs: nnx.Rngs | None = None
    ) -> jax.Array:
        """Draw x_{t-1} from x_t, one step of DDPM: x (B, H, W, C), t one time for all.

        No class is asked for, and x_0 is clipped to [-1, 1]. rngs: stream `sample`.
        """
        x = self._images(x)
        t = whole_numbers("t", t, self.noise_steps)
        if t.size != 1:
            raise InputError(f"t: {t} must be one time, for the whole batch")
        key = self._key(rngs, "sample")
        denoise = Clipping()(self._denoiser(), self.schedule)
        return _ancestral_step(denoise, self.schedule, x, t.reshape(()), key)

    @in_own_modes
    def sample(
        self,
        n_samples_or_shape: int | tuple[int, ...] | None = None,
        *,
        scheduler: str = "ddpm",
        steps: int | None = None,
        rngs: nnx.Rngs | None = None,
        labels: jax.typing.ArrayLike | Literal["random"] | None = None,
        guidance_scale: float | None = None,
        guidance: Guidance | Mapping[str, Any] | None = None,
        noise: jax.typing.ArrayLike | None = None,
        micro_batch: int = 8,
        spacing: str = "trailing",
        clip: bool | Literal["dynamic"] = True,
        **knobs: Any,  # noqa: ANN401
    ) -> jax.Array:
        """Draw images.

        Args:
            n_samples_or_shape: how many, or (N, H, W, C); left out, 8, or as many as `noise` has.
            scheduler: name of the sampler, such as "ddpm" or "ddim".
            steps: length of the chain, 1 .. noise_steps; left out, the sampler's own number.
            rngs: stream `sample`.
            labels: (N,) or one for all, classes of a network that knows any; -1 is none. "random"
                draws one for each sample.
            guidance_scale: w of classifier-free guidance, 1 for the conditional model alone.
            guidance: any guidance, as an object of `sfumato.guidance` or as an entry of `samples`
                says it: {"method": "classifier_free", "scale": 3.0, "interval": [0, 800]}.
            noise: (N, H, W, C), the x_T from which the chains start, such as that of `invert`; left
                out, it is drawn.
            micro_batch: how many images go through the network at once, on each device.
            spacing: which steps a shorter chain visits, see `sfumato.diffusion.times`; a warning
                says where they are fewer than `steps`.
            clip: clip each prediction of x_0 to [-1, 1]; "dynamic" scales it into that range first.
            knobs: of the sampler, such as `eta` for DDIM or `variance` for DDPM; `rho` of spacing
                "karras"; `percentile` of clip "dynamic".

        Returns:
            (N, H, W, C) float32, with `clip` in [-1, 1].
        """
        arrays = {} if noise is None else {"noise": shaped("noise", noise, self._shape)}
        if n_samples_or_shape is None:
            n_samples_or_shape = len(arrays["noise"]) if arrays else 8
        n_samples = _count(n_samples_or_shape, self._shape)
        if arrays and len(arrays["noise"]) != n_samples:
            found = len(arrays["noise"])
            raise InputError(f"noise: is that of {found} samples, and {n_samples} are asked for")
        return self._draw(
            n_samples,
            None,
            arrays,
            scheduler=scheduler,
            steps=steps,
            rngs=rngs,
            labels=labels,
            guidance_scale=guidance_scale,
            guidance=guidance,
            micro_batch=micro_batch,
            spacing=spacing,
            clip=clip,
            **knobs,
        )

    def _times(self, t: jax.typing.ArrayLike, count: int) -> jax.Array:
        t = whole_numbers("t", t, self.noise_steps)
        if t.size != 1 and t.shape != (count,):
            raise InputError(f"t: its shape {t.shape} must be ({count},), or that of one time")
        return jnp.broadcast_to(t.reshape(-1), (count,))

    def _images(self, x: jax.typing.ArrayLike) -> jax.Array:
        x, shape = floats("x", x), tuple(self.network.config.input_dim)
        if x.shape[1:] != shape:
            raise InputError(f"x: its shape {x.shape} must be (N, {', '.join(map(str, shape))})")
        return x


@partial(jax.jit, static_argnames="graphdef")
def _apply(
    graphdef: nnx.GraphDef[Network],
    state: nnx.State,
    x: jax.Array,
    t: jax.Array,
    labels: jax.Array | None,
    key: jax.Array | None,
) -> jax.Array:
    rngs = None if key is None else nnx.Rngs(dropout=key)
    return nnx.merge(graphdef, state)(x, t, labels, rngs=rngs)


@jax.jit
def _ancestral_step(
    denoise: Denoise, schedule: Schedule, x: jax.Array, t: jax.Array, key: jax.Array
) -> jax.Array:
    bound: Ask = lambda x_t, t: denoise(x_t, t, {})  # noqa: E731
    keys = sample_keys(key, jnp.arange(len(x)))
    return DDPM().step(bound, schedule, x, t, t - 1, keys, memory=()).x


def _drops(network: Network) -> bool:
    """Tell whether a network drops features, as one does that learns."""
    layers = (layer for _, layer in nnx.iter_modules(network) if isinstance(layer, nnx.Dropout))
    return any(layer.rate and not layer.deterministic for layer in layers)


def _check_network(network: Any, settings: NetworkConfig, diffusion: DiffusionConfig) -> None:  # noqa: ANN401
    of_kind("network", network, Network, "sfumato.networks.unet.UNet")
    made = {"model": network.config, "diffusion": diffusion}
    recorded = {name: each.model_dump(mode="json") for name, each in made.items()}
    if found := differences(recorded, settings, diffusion):
        raise InputError(f"network: was made with {'; '.join(found)}")


def _count(n_samples_or_shape: Any, image_shape: tuple[int, ...]) -> int:  # noqa: ANN401
    shaped = isinstance(n_samples_or_shape, tuple | list) and n_samples_or_shape
    parts: list[Any] = list(n_samples_or_shape) if shaped else [n_samples_or_shape, *image_shape]
    count, shape = parts[0], parts[1:]
    if not is_whole(count) or count < 1 or tuple(shape) != tuple(image_shape):
        raise InputError(
            f"n_samples_or_shape: {n_samples_or_shape!r} must be a number from 1 up, or that "
            f"number followed by the shape of an image, {image_shape}"
        )
    return int(count)
