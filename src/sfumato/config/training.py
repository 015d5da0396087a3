"""Section `training`: how the network learns."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Conflict, Real, Section, Whole


class TrainingConfig(Section):
    """Length, optimiser and loss of a training run."""

    steps: Whole = Field(default=5000, ge=1, le=10_000_000)
    """Updates of the weights."""
    batch_size: Whole = Field(default=64, ge=1, le=65_536)
    """Images in each update."""
    learning_rate: Real = Field(default=1e-3, gt=0, le=1)
    """AdamW's learning rate after warm-up; it then falls to 0 along half a cosine."""
    warmup_steps: Whole = Field(default=200, ge=0, le=10_000_000)
    """Steps over which the learning rate rises from 0."""
    weight_decay: Real = Field(default=0.01, ge=0, le=1)
    """AdamW's weight decay; biases and scales have none."""
    clip_norm: Real = Field(default=1.0, gt=0, le=1e9)
    """The gradient is scaled down to this norm where it is larger."""
    ema_decay: Real = Field(default=0.999, ge=0, lt=1)
    """EMA decay, after warm-up."""
    times: Literal["uniform", "logit_normal"] = "uniform"
    """How often each time is drawn; logit_normal draws those in the middle most often."""
    loss: Literal["mse", "l1", "huber"] = "mse"
    """The loss of the prediction, pixel by pixel."""
    weighting: Literal["uniform", "min_snr"] = "uniform"
    """How the times are weighted; min_snr gives the squared error of x_0 the weight
    min(SNR, min_snr_gamma)."""
    min_snr_gamma: Real = Field(default=5.0, gt=0, le=1e9)
    """Largest signal-to-noise ratio that min_snr counts."""
    label_dropout: Real = Field(default=0.1, ge=0, le=1)
    """Fraction of images whose label is dropped, where model.num_classes is more than 0."""
    augmentation: Real = Field(default=0.0, ge=0, le=1)
    """Probability of each small change of an image, of which the network is told."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What the layers compute in; weights stay float32."""

    def unweighted(self, diffusion: DiffusionConfig) -> str:
        """Say why min_snr is hardly meant; empty if it is."""
        if self.weighting == "uniform":
            return ""
        if self.loss != "mse":
            return (
                f"min_snr weights squared errors, and loss is {self.loss}, so that it weights "
                "predictions of different types differently; use mse, or uniform"
            )
        if diffusion.rates()[0][-1] > 0:
            return ""
        return (
            f"min_snr gives the last time, {diffusion.noise_steps - 1}, where samples begin, no "
            "weight, since nothing is left of the image there; use uniform"
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.warmup_steps >= self.steps:
            raise Conflict("warmup_steps", f"must be less than steps ({self.steps})")
        return self
