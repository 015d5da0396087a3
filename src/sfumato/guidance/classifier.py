"""Classifier guidance: Dhariwal and Nichol 2021, arXiv:2105.05233, algorithm 2.

g_i = grad_{x_i} log p(y_i | x_i) at x_t,   eps - w sigma_t g,   x_0 + w sigma_t^2 / alpha_t g

The gradient of the sum over the samples is every g_i at once, and none depends on the others. The
denoiser is asked without a class: w = 1 is the conditional model that follows from it and the
classifier by Bayes' rule, w = 0 the unconditional one. A sample of no class is not guided. Where
alpha_t is 0, x_t says nothing of the class, and nothing is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from sfumato.compute.knobs import is_exactly
from sfumato.config.fields import Real
from sfumato.config.inputs import Input
from sfumato.diffusion.prediction import Prediction
from sfumato.guidance.base import Guidance, Reads

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Denoise, Given, Int
    from sfumato.diffusion.schedule import Schedule


@dataclass(frozen=True)
class Classifier(Guidance):
    """Follow the gradient of a classifier that reads noisy images."""

    traced: ClassVar[tuple[str, ...]] = ("scale",)
    needs_labels: ClassVar[bool] = True
    reads: ClassVar[Reads] = "classifier"

    scale: Real = Field(default=1.0, ge=0, le=1000)
    """w: 1 is the conditional model, 0 the unconditional one."""

    def inputs(self) -> dict[str, Input]:
        """Return the file of the experiment's classifier; see Guidance.inputs."""
        return {"guidance": Input("guidance_classifier.npz", "train_guidance_classifier")}

    def predict(
        self, denoise: Denoise, schedule: Schedule, x_t: Array, t: Int, given: Given
    ) -> Prediction:
        """Return the guided prediction; see Guidance.predict.

        `restored` is the classifier: (x_t (B, ...), t) -> log p(y | x_t), (B, n_classes).
        """
        import jax
        import jax.numpy as jnp

        labels = given["labels"]
        x_0, eps = denoise(x_t, t, {name: given[name] for name in given if name != "labels"})
        if is_exactly(self.scale, 0):
            return Prediction(x_0, eps)

        def log_probability(x: Array) -> Array:
            of_label = jnp.take_along_axis(self.restored(x, t), labels[:, None].clip(0), axis=1)
            return jnp.where(labels >= 0, of_label[:, 0], 0).sum()

        alpha, sigma = schedule.rates(t, x_t)
        inside = jnp.where(alpha > 0, alpha, 1)
        shift = self.scale * jnp.where(alpha > 0, sigma, 0) * jax.grad(log_probability)(x_t)
        return Prediction(x_0 + sigma / inside * shift, eps - shift)
