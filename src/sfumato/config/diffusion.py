"""Section `diffusion`: the noise schedule, and what the network predicts."""

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from sfumato.config.fields import Conflict, Flag, Real, Section, Whole
from sfumato.diffusion.betas import BETAS, WITHOUT_ENDS
from sfumato.diffusion.rates import (
    Rates,
    linear_path,
    log_ratio,
    variance_preserving,
    zero_terminal,
)
from sfumato.errors import InputError

LEAST_LOG_ALPHA_BAR = -80.0
"""float32 holds numbers down to e^-87; below, 1 / alpha_bar is infinite."""
LEAST_BETA = 1e-30
"""Well above 1e-38, below which quotients of betas are NaN in float32."""

MOST_LEFT = 0.002
"""An alpha_bar above it is not near 0: x_T holds more of the image than samplers take it to."""

PredictionType = Literal["epsilon", "x_0", "v", "u"]


class DiffusionConfig(Section):
    """The forward process; the cosine schedule does not use `beta_start` and `beta_end`."""

    noise_steps: Whole = Field(default=1000, ge=1, le=100_000)
    """T; times run from 0 to T - 1."""
    path: Literal["variance_preserving", "linear"] = "variance_preserving"
    """How image and noise are mixed: alpha^2 + sigma^2 = 1, as the betas say, or alpha = 1 - sigma,
    the straight path of flow matching, on which time (t + 1) / T is sigma and betas count nothing.
    """
    beta_schedule: Literal[tuple(BETAS)] = "linear"  # type: ignore[valid-type]
    """The name of a schedule in `diffusion/betas.py`."""
    beta_start: Real = Field(default=1e-4, ge=LEAST_BETA, lt=1)
    """The first beta."""
    beta_end: Real = Field(default=0.02, gt=0, lt=1)
    """The last beta."""
    zero_terminal_snr: Flag = False
    """Shift and scale alpha so that it ends at 0: x_T is then pure noise, as samplers take it to
    be."""
    prediction_type: PredictionType = "epsilon"
    """What the network predicts: eps, x_0, v = alpha eps - sigma x_0, or u = eps - x_0."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.beta_start >= self.beta_end:
            raise Conflict("beta_start", f"must be less than beta_end ({self.beta_end:g})")
        if self.path == "variance_preserving":
            self._check_betas()
        if self.ends_in_noise and self.prediction_type == "epsilon":
            cause = "path: linear" if self.path == "linear" else "zero_terminal_snr: true"
            raise Conflict(
                "prediction_type",
                f"cannot be used with {cause}: at the last time alpha is 0, where the noise tells "
                "nothing of the image; use u, v or x_0",
            )
        return self

    def _check_betas(self) -> None:
        if self._log_alpha_bar()[-1] < LEAST_LOG_ALPHA_BAR:
            raise Conflict(
                "beta_end",
                f"is too much noise for {self.noise_steps} noise_steps: alpha_bar falls to 0 in "
                "float32; lower one of the two",
            )
        if self.zero_terminal_snr and self.noise_steps == 1:
            raise Conflict(
                "zero_terminal_snr", "needs at least 2 noise_steps: the first alpha stays"
            )

    @property
    def ends_in_noise(self) -> bool:
        """Whether alpha is 0 at the last time, so that x_T holds nothing of the image."""
        return self.path == "linear" or self.zero_terminal_snr

    def rates(self) -> Rates:
        """Return alpha and sigma of t = 0 .. T - 1, each (T,) float64."""
        if self.path == "linear":
            return linear_path(self.noise_steps)
        return (zero_terminal if self.zero_terminal_snr else variance_preserving)(self._betas())

    def log_ratios(self) -> np.ndarray:
        """Return lambda_t = log alpha_t - log sigma_t, (T,) float64; the last may be infinite."""
        return log_ratio(*self.rates())

    def _betas(self, beta_end: float | None = None) -> np.ndarray:
        """Return the betas, for this last one or another."""
        end = self.beta_end if beta_end is None else beta_end
        betas = BETAS[self.beta_schedule](self.noise_steps, self.beta_start, end)
        if betas.shape != (self.noise_steps,):
            raise InputError(
                f"beta_schedule: {self.beta_schedule!r} returned betas of shape {betas.shape}, not "
                f"({self.noise_steps},)"
            )
        return betas

    def _log_alpha_bar(self, beta_end: float | None = None) -> np.ndarray:
        return np.cumsum(np.log1p(-self._betas(beta_end)))

    def left_over(self) -> str:
        """Say what is left of the image at the end of a schedule that does not reach noise.

        Empty for a schedule that does: samplers start from pure noise, as if nothing were left.
        """
        left = float(self.rates()[0][-1] ** 2)
        if left <= MOST_LEFT:
            return ""
        remedies = [f"beta_end: {end}"] if (end := self._enough()) else []
        if self.beta_schedule != "cosine":
            remedies.append("beta_schedule: cosine")
        if self.prediction_type != "epsilon":
            remedies.append("zero_terminal_snr: true")
        return (
            f"alpha_bar_T is {left:.3g} after {self.noise_steps} noise_steps, so x_T still shows "
            "the image, and samplers start from pure noise; set "
            + ", or ".join([*remedies, "more noise_steps"])
        )

    def _enough(self) -> float | None:
        """Return the least round `beta_end` that reaches noise, if there is one."""
        if self.beta_schedule in WITHOUT_ENDS:
            return None
        ends = (digit * 10.0**power for power in range(-4, 0) for digit in range(1, 10))
        found = (
            end
            for end in ends
            if end > self.beta_start and np.exp(self._log_alpha_bar(end)[-1]) <= MOST_LEFT / 2
        )
        return next((round(end, 6) for end in found), None)
