"""Which of the noise steps a shorter chain visits, whatever sampler it is for; without jax."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from sfumato.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

RHO = 7.0
"""The exponent of arXiv:2206.00364."""


class Timed(Protocol):
    """A schedule, or the config of one."""

    @property
    def noise_steps(self) -> int:
        """T."""
        ...

    def log_ratios(self) -> np.ndarray:
        """Return lambda of t = 0 .. T - 1, (T,) float64, falling, to minus infinity at most."""
        ...


class _Asked(NamedTuple):
    """What a spacing is told: T, N, lambda (T,) or nothing, and rho."""

    noise_steps: int
    steps: int
    lambdas: np.ndarray
    rho: float


def _leading(asked: _Asked) -> np.ndarray:
    return np.arange(asked.steps)[::-1] * (asked.noise_steps // asked.steps)


def _linspace(asked: _Asked) -> np.ndarray:
    return np.linspace(0, asked.noise_steps - 1, asked.steps).round()[::-1]


def _trailing(asked: _Asked) -> np.ndarray:
    passed = np.arange(asked.steps) * asked.noise_steps / asked.steps
    return np.round(asked.noise_steps - passed) - 1


def _logsnr(asked: _Asked) -> np.ndarray:
    return _even(asked, lambda lam: lam, lambda even: even)


def _karras(asked: _Asked) -> np.ndarray:
    rho = asked.rho
    return _even(asked, lambda lam: np.exp(-lam / rho), lambda even: -rho * np.log(even))


def _even(
    asked: _Asked,
    of: Callable[[np.ndarray], np.ndarray],
    back: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Return times between which a function of lambda, `back` its inverse, changes evenly."""
    finite = asked.lambdas[np.isfinite(asked.lambdas)]
    times = np.zeros(asked.steps)
    if len(finite):
        first, last = of(finite[[-1, 0]])
        lam = back(np.linspace(first, last, asked.steps))
        between = np.interp(-lam, -finite, np.arange(len(finite)))
        times = between.round(6).round()  # halves stay halves, whatever the last digits are
    times[0] = asked.noise_steps - 1
    return times


SPACINGS: dict[str, Callable[[_Asked], np.ndarray]] = {
    "leading": _leading,
    "linspace": _linspace,
    "trailing": _trailing,
    "logsnr": _logsnr,
    "karras": _karras,
}
"""The spacings, by the name that a config gives them."""
BY_LAMBDA = ("logsnr", "karras")
"""Those that see the schedule."""


def spaced_timesteps(
    noise_steps: int,
    steps: int,
    spacing: str = "trailing",
    *,
    lambdas: ArrayLike | None = None,
    rho: float = RHO,
) -> np.ndarray:
    """Choose `steps` of the times 0 .. T - 1, T = noise_steps, from late to early.

    leading   t_i = i floor(T / N),                  i = N - 1 .. 0  (DDIM, arXiv:2010.02502)
    linspace  t_i = round(i (T - 1) / (N - 1)),      i = N - 1 .. 0;  0 where N is 1
    trailing  t_i = round(T - i T / N) - 1,          i = 0 .. N - 1  (Lin et al., arXiv:2305.08891,
                                                                     table 2)
    logsnr    lambda at even distances, i = 0 .. N - 1  (DPM-Solver, arXiv:2206.00927)
    karras    (sigma / alpha)^(1 / rho) = exp(-lambda / rho) at even distances, i = 0 .. N - 1
              (EDM, arXiv:2206.00364, equation 5)

    The last two run from the lambda of T - 1 to that of 0 and take the nearest time to each value.
    Two values may be nearest to one time, which is then visited once. Where the schedule ends in
    pure noise, lambda is infinite at T - 1: the values then begin at the last finite lambda, and
    T - 1 stands for the first of them, since the chain starts from pure noise.

    Args:
        noise_steps: T.
        steps: N, 1 .. T.
        spacing: one of SPACINGS.
        lambdas: (T,), falling: log alpha_t - log sigma_t, as `log_ratios` of a schedule or of its
            config returns them; only logsnr and karras use it.
        rho: of karras, at least 1; the larger, the more times have little noise.

    Returns:
        (N,) int32, strictly falling; fewer for logsnr and karras where times are one. The chain
        ends with the step from the last of them to the data, s = -1. With N = T the first three
        are T - 1 .. 0.

    Raises:
        InputError: if noise_steps or steps is no whole number from 1 up, there are more steps than
            noise_steps, the spacing is not known or lacks its lambdas, or rho is below 1.
    """
    if not _is_whole(noise_steps) or noise_steps < 1:
        raise InputError(f"noise_steps: {noise_steps!r} must be a whole number from 1 up")
    if not _is_whole(steps) or not 1 <= steps <= noise_steps:
        raise InputError(
            f"steps: {steps!r} must be from 1 to {noise_steps}, the number of noise steps"
        )
    if spacing not in SPACINGS:
        raise InputError(f"spacing {spacing!r} must be one of {', '.join(SPACINGS)}")
    known = np.empty(0) if lambdas is None else np.asarray(lambdas, np.float64)
    if spacing in BY_LAMBDA and known.shape != (noise_steps,):
        raise InputError(
            f"lambdas: spacing {spacing} needs those of all {noise_steps} times, as "
            "schedule.log_ratios() returns them"
        )
    if not isinstance(rho, Real) or not 1 <= rho < np.inf:
        raise InputError(f"rho: {rho!r} must be a number, at least 1")
    times = SPACINGS[spacing](_Asked(int(noise_steps), int(steps), known, float(rho)))
    return np.unique(times)[::-1].astype(np.int32)


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
