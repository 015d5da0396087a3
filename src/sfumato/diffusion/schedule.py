"""The noise schedule: how much image and how much noise x_t holds, and nothing else.

    q(x_t | x_0) = N(alpha_t x_0, sigma_t^2 I),   lambda_t = log alpha_t - log sigma_t

Time is an array index, t = 0 .. T - 1; t = -1 is the data: alpha 1, sigma 0, lambda infinite.
Variance-preserving schedules (alpha^2 + sigma^2 = 1: Ho, Jain and Abbeel 2020, arXiv:2006.11239)
and the linear path of flow matching (alpha = 1 - sigma: Lipman et al. 2023, arXiv:2210.02747) are
two fillings of the same tables. The notation is that of Kingma et al. 2021, arXiv:2107.00630.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from sfumato.compute.arguments import of_kind, whole_numbers
from sfumato.compute.modes import in_own_modes
from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.rates import log_ratio, variance_preserving
from sfumato.errors import InputError

VARIANCE_TOLERANCE = 0.1
"""How far from 1 the variance of x_T may be, of images of variance 1."""
_FLOAT32 = np.finfo(np.float32)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Schedule:
    """Tables over t = -1 .. T - 1, stored from index 0; a pytree of float32 arrays.

    Attributes:
        alphas: (T + 1,), falling from 1; the last one may be 0.
        sigmas: (T + 1,), from 0.
        lambdas: (2, T + 1), falling from infinity: lambda rounded to float32, and what the
            rounding left. Between neighbouring times lambda changes so little that the rounding of
            both would spoil the last digits of their difference; with both parts it is exact to
            float32.
        ends_in_noise: whether the last alpha is 0, so that x_T holds nothing of x_0.
    """

    alphas: jax.Array
    sigmas: jax.Array
    lambdas: jax.Array
    ends_in_noise: bool = field(metadata={"static": True})

    @property
    def noise_steps(self) -> int:
        """T, the length of the forward process."""
        return self.alphas.shape[0] - 1

    def alpha(self, t: jax.typing.ArrayLike) -> jax.Array:
        """alpha_t, of the shape of t: the factor of x_0 in x_t."""
        return self.alphas[self._index(t)]

    def sigma(self, t: jax.typing.ArrayLike) -> jax.Array:
        """sigma_t, of the shape of t: the standard deviation of the noise in x_t."""
        return self.sigmas[self._index(t)]

    def rates(self, t: jax.typing.ArrayLike, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """alpha_t and sigma_t with the axes of x: t is a scalar, or one time for each sample."""
        alpha, sigma = self.alpha(t), self.sigma(t)
        axes = (1,) * (x.ndim - alpha.ndim)
        return alpha.reshape(alpha.shape + axes), sigma.reshape(sigma.shape + axes)

    def lam(self, t: jax.typing.ArrayLike) -> jax.Array:
        """lambda_t = log alpha_t - log sigma_t, half the log of the signal-to-noise ratio."""
        return self.lambdas[0, self._index(t)]

    def log_ratios(self) -> np.ndarray:
        """Lambda of t = 0 .. T - 1, (T,) float64, on the host; the last may be minus infinity."""
        return np.asarray(self.lambdas, np.float64).sum(axis=0)[1:]

    def h(self, t: jax.typing.ArrayLike, s: jax.typing.ArrayLike) -> jax.Array:
        """lambda_s - lambda_t, exact to float32: the length of a step from t to s."""
        difference = self.lambdas[:, self._index(s)] - self.lambdas[:, self._index(t)]
        return difference[0] + difference[1]

    def beta(self, t: jax.typing.ArrayLike, s: jax.typing.ArrayLike) -> jax.Array:
        """beta_{t|s} = sigma_t^2 - (alpha_t / alpha_s)^2 sigma_s^2, the noise q(x_t | x_s) adds.

        It is -sigma_t^2 expm1(2 (lambda_t - lambda_s)), in which nothing cancels. With s = t - 1
        this is the beta_t of a variance-preserving schedule.
        """
        return -(self.sigma(t) ** 2) * jnp.expm1(-2 * self.h(t, s))

    def _index(self, t: jax.typing.ArrayLike) -> jax.Array:
        """Return the places of times -1 .. T - 1; what jax traces cannot be checked.

        -2 passes, too: in the memory of a sampler it stands for no time, whose rates nothing uses.
        """
        if not isinstance(t, Tracer):
            t = whole_numbers("t", t, self.noise_steps, least=-2)
        return jnp.asarray(t, jnp.int32) + 1


@in_own_modes
def make_schedule(config: DiffusionConfig) -> Schedule:
    """Build the schedule that section `diffusion` describes."""
    of_kind("config", config, DiffusionConfig, "DiffusionConfig()")
    return schedule_from_rates(*config.rates())


@in_own_modes
def schedule_from_betas(betas: np.ndarray) -> Schedule:
    """Build a variance-preserving schedule from betas (T,): alpha_t^2 = prod (1 - beta_i).

    Raises:
        InputError: if a beta is not between 0 and 1; it names the first such beta.
    """
    betas = _numbers(betas)
    inside = (betas > 0) & (betas < 1)
    if betas.ndim != 1 or not betas.size or not inside.all():
        t = int(np.argmin(inside)) if betas.ndim == 1 and betas.size else None
        found = f"shape {betas.shape}" if t is None else f"beta_{t} = {betas[t]:g}"
        raise InputError(f"a schedule needs a list of betas between 0 and 1, not {found}")
    return schedule_from_rates(*variance_preserving(betas))


@in_own_modes
def schedule_from_rates(alphas: np.ndarray, sigmas: np.ndarray) -> Schedule:
    """Build the tables, in float64 on the host, from alpha and sigma (T,) of t = 0 .. T - 1.

    Chains start from normal noise of variance 1, so alpha^2 + sigma^2 of the last time must be
    about 1: divide both lists by its root, which leaves the signal-to-noise ratios as they are.

    Raises:
        InputError: if a sigma is not above 0, an alpha is negative, alpha / sigma does not fall,
            float32 cannot hold one, or the last ones are not those of noise of variance 1.
    """
    alphas, sigmas = _numbers(alphas), _numbers(sigmas)
    if alphas.ndim != 1 or not alphas.size or alphas.shape != sigmas.shape:
        raise InputError(
            "a schedule needs two lists of rates of one length, not of shapes "
            f"{alphas.shape} and {sigmas.shape}"
        )
    if not (sigmas > 0).all() or not (alphas >= 0).all() or (np.diff(alphas / sigmas) >= 0).any():
        raise InputError(
            "a schedule needs sigma above 0 and alpha / sigma that falls, to 0 at most"
        )
    _check_size(alphas, sigmas)
    alphas, sigmas = np.insert(alphas, 0, 1.0), np.insert(sigmas, 0, 0.0)
    lambdas = log_ratio(alphas, sigmas)
    rounded = lambdas.astype(np.float32)
    finite = np.isfinite(rounded)
    rest = np.subtract(lambdas, rounded, out=np.zeros_like(lambdas), where=finite)
    tables = (jnp.asarray(table, jnp.float32) for table in (alphas, sigmas, [rounded, rest]))
    return Schedule(*tables, ends_in_noise=bool(alphas[-1] == 0))


def _check_size(alphas: np.ndarray, sigmas: np.ndarray) -> None:
    """Raise an InputError if float32 cannot hold a rate, or a chain cannot start from noise."""
    least, most = _FLOAT32.tiny, _FLOAT32.max
    above_0 = np.where(alphas > 0, alphas, 1)  # the last one may be 0
    for name, rates in (("alpha", above_0), ("sigma", sigmas)):
        wrong = np.flatnonzero((rates < least) | ~(rates < most))
        if wrong.size:
            raise InputError(
                f"a schedule needs rates that float32 can hold; of time {wrong[0]} {name} is "
                f"{rates[wrong[0]]:g}"
            )
    variance = alphas[-1] ** 2 + sigmas[-1] ** 2
    if not 1 - VARIANCE_TOLERANCE < variance < 1 + VARIANCE_TOLERANCE:
        raise InputError(
            f"a schedule needs alpha^2 + sigma^2 = 1 at its last time, where chains start from "
            f"noise, and not {variance:g}; divide all alphas and sigmas by {variance**0.5:g}"
        )


def _numbers(values: object) -> np.ndarray:
    try:
        if isinstance(values, np.ma.MaskedArray):
            raise TypeError
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"a schedule needs lists of numbers, not {values!r:.60}") from None
