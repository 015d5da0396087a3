"""DDPM, ancestral sampling: Ho, Jain and Abbeel 2020, arXiv:2006.11239, algorithm 2.

x_s is drawn from the posterior of the forward process, q(x_s | x_t, x_0), with the prediction of
x_0 in place of x_0. With s = t - 1 this is the paper's chain; with a shorter one it is the
respaced chain of Nichol and Dhariwal 2021, arXiv:2102.09672, section 4, whose variances follow
from alpha_bar at t and s alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic.dataclasses import dataclass

from sfumato.compute.randomness import normal
from sfumato.diffusion.forward import denoised, posterior
from sfumato.samplers.base import Sampler

if TYPE_CHECKING:
    import jax

    from sfumato.diffusion.schedule import Schedule


@dataclass(frozen=True)
class DDPM(Sampler):
    """Ancestral sampling.

    Attributes:
        variance: of the noise added at each step. `small` is the posterior's own variance, exact
            for data that is one point; `large` is beta_{t|s}, exact for data that is standard
            normal (arXiv:2006.11239, section 3.2). The step to the data adds none.
        clip: see Sampler.
    """

    variance: Literal["small", "large"] = "small"

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
        """Draw x_s ~ N(mean, variance), mean that of q(x_s | x_t, x_0); see Sampler.step."""
        x_0, _ = denoised(schedule, x_t, eps, t, self.clip, x_0)
        mean, variance = posterior(schedule, x_t, x_0, t, s)
        if self.variance == "large":
            variance = schedule.beta(t, s) * (schedule.one_minus_alpha_bar(s) > 0)
        return mean + variance**0.5 * normal(key, x_t)
