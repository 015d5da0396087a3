"""Section `diffusion`: the noise schedule, and what the network predicts."""

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from sfumato.config.fields import Conflict, Real, Section, Whole
from sfumato.diffusion.betas import BETAS

LEAST_LOG_ALPHA_BAR = -80.0
"""float32 holds numbers down to e^-87; below, 1 / alpha_bar is infinite."""
LEAST_BETA = 1e-30
"""Well above 1e-38, below which quotients of betas are NaN in float32."""

PredictionType = Literal["epsilon", "x_0", "v", "u"]


class DiffusionConfig(Section):
    """The forward process; the cosine schedule does not use `beta_start` and `beta_end`."""

    noise_steps: Whole = Field(default=1000, ge=1, le=100_000)
    """T; times run from 0 to T - 1."""
    beta_schedule: Literal[tuple(BETAS)] = "linear"  # type: ignore[valid-type]
    """The name of a schedule in `diffusion/betas.py`."""
    beta_start: Real = Field(default=1e-4, ge=LEAST_BETA, lt=1)
    """The first beta."""
    beta_end: Real = Field(default=0.02, gt=0, lt=1)
    """The last beta."""
    prediction_type: PredictionType = "epsilon"
    """What the network predicts: eps, x_0, v = alpha eps - sigma x_0, or u = eps - x_0."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.beta_start >= self.beta_end:
            raise Conflict("beta_start", f"must be less than beta_end ({self.beta_end:g})")
        betas = BETAS[self.beta_schedule](self.noise_steps, self.beta_start, self.beta_end)
        if np.log1p(-betas).sum() < LEAST_LOG_ALPHA_BAR:
            raise Conflict(
                "beta_end",
                f"is too much noise for {self.noise_steps} noise_steps: alpha_bar falls to 0 in "
                "float32; lower one of the two",
            )
        return self
