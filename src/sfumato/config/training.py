"""Section `training`: how the network learns."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sfumato.config.fields import Conflict, Real, Section, Whole


class TrainingConfig(Section):
    """Length, optimiser and loss of a training run."""

    steps: Whole = Field(default=5000, ge=1, le=10_000_000)
    batch_size: Whole = Field(default=64, ge=1, le=65_536)
    learning_rate: Real = Field(default=1e-3, gt=0, le=1)
    warmup_steps: Whole = Field(default=200, ge=0, le=10_000_000)
    weight_decay: Real = Field(default=0.01, ge=0, le=1)
    clip_norm: Real = Field(default=1.0, gt=0, le=1e9)
    ema_decay: Real = Field(default=0.999, ge=0, lt=1)
    loss: Literal["mse", "l1", "huber"] = "mse"
    weighting: Literal["uniform", "min_snr"] = "uniform"
    min_snr_gamma: Real = Field(default=5.0, gt=0, le=1e9)
    label_dropout: Real = Field(default=0.1, ge=0, le=1)
    precision: Literal["float32", "bfloat16"] = "float32"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.warmup_steps >= self.steps:
            raise Conflict("warmup_steps", f"must be less than steps ({self.steps})")
        return self
