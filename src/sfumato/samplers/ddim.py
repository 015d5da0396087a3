"""DDIM: Song, Meng and Ermon 2021, arXiv:2010.02502, equations 12 and 16.

x_s = sqrt(alpha_bar_s) x_0 + sqrt(1 - alpha_bar_s - sigma^2) eps + sigma z,   z ~ N(0, I)
sigma^2 = eta^2 (1 - alpha_bar_s) / (1 - alpha_bar_t) beta_{t|s}

with x_0 the prediction from x_t and eps. At eta = 0 the map from x_T to the image is
deterministic; at eta = 1 each step draws from the posterior, as DDPM does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from sfumato.compute.randomness import normal
from sfumato.config.fields import Real
from sfumato.diffusion.forward import denoised
from sfumato.samplers.base import Sampler

if TYPE_CHECKING:
    import jax

    from sfumato.diffusion.schedule import Schedule


@dataclass(frozen=True)
class DDIM(Sampler):
    """The family of non-Markovian samplers between the deterministic one and DDPM.

    Attributes:
        eta: share of the posterior's standard deviation that is added as fresh noise, in [0, 1].
        clip: see Sampler. eps is derived anew from the clipped x_0, so that the two still
            make up x_t.
    """

    default_steps: ClassVar[int | None] = 50

    eta: Real = Field(default=0.0, ge=0, le=1)

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
        """Return x_s of equation 12; see Sampler.step."""
        x_0, eps = denoised(schedule, x_t, eps, t, self.clip, x_0)
        alpha_bar_s, beta = schedule.alpha_bar(s), schedule.beta(t, s)
        noise_s, noise_t = schedule.one_minus_alpha_bar(s), schedule.one_minus_alpha_bar(t)
        sigma = self.eta * (noise_s / noise_t * beta) ** 0.5
        # 1 - alpha_bar_s - sigma^2, rearranged: in float32 the difference can fall below zero.
        rest = (1 - self.eta**2) * beta + noise_s * schedule.alpha_bar(t) / alpha_bar_s
        direction = (noise_s / noise_t * rest) ** 0.5
        x_s = alpha_bar_s**0.5 * x_0 + direction * eps
        return x_s + sigma * normal(key, x_t) if self.eta else x_s
