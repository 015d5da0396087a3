"""What a denoiser says of x_t = alpha_t x_0 + sigma_t eps, and the four ways a network says it.

    epsilon   eps                             Ho, Jain and Abbeel 2020, arXiv:2006.11239
    x_0       x_0
    v         v = alpha_t eps - sigma_t x_0   Salimans and Ho 2022, arXiv:2202.00512, section 4
    u         u = eps - x_0                   Lipman et al. 2023, arXiv:2210.02747

Each is one row of `KINDS`. Image and noise are both taken from the output directly: to take x_0 by
way of eps would divide float32's rounding error by alpha_t, which is tiny near pure noise. jax is
imported on use: samplers and guidance need this module, and are listed without jax.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sfumato.errors import InputError

if TYPE_CHECKING:
    import jax

    from sfumato.config.diffusion import PredictionType
    from sfumato.diffusion.schedule import Schedule


class Prediction(NamedTuple):
    """Image and noise of x_t = alpha_t x_0 + sigma_t eps, each of the shape of x_t."""

    x_0: jax.Array
    eps: jax.Array


def check_prediction(said: Any, x_t: jax.Array, who: str = "the denoiser") -> Prediction:  # noqa: ANN401
    """Return what a denoiser said of x_t; an InputError if it is no `Prediction` of its shape."""
    if not (hasattr(said, "x_0") and hasattr(said, "eps")):
        found = "an array" if hasattr(said, "shape") else type(said).__name__
        raise InputError(
            f"{who} must return a Prediction, as from_x_0(schedule, x_t, x_0, t) makes it, and "
            f"not {found}"
        )
    for name in Prediction._fields:
        shape = getattr(getattr(said, name), "shape", ())
        if shape != x_t.shape:
            raise InputError(f"{who} returned {name} of shape {shape} for x_t of {x_t.shape}")
    return said


Given: TypeAlias = "Mapping[str, jax.Array]"
"""What is known of each sample, by name: every array has the samples as its first axis."""

Denoise: TypeAlias = "Callable[[jax.Array, jax.typing.ArrayLike, Given], Prediction]"
"""(x_t (B, ...), t scalar int32, given) -> Prediction.

A function, or a pytree, so that other weights do not compile a loop again. It may have `cost(t)`:
its network evaluations in one call at time t.
"""

Ask: TypeAlias = "Callable[[jax.Array, jax.typing.ArrayLike], Prediction]"
"""A denoiser with `given` bound, as a sampler's step sees it: (x_t, t) -> Prediction."""

Int: TypeAlias = "jax.typing.ArrayLike"
"""A time, a scalar int32."""


def cost(denoise: Denoise, t: int) -> int:
    """Return the network evaluations of one call at time t, on the host: 1, or what it says."""
    own = getattr(denoise.func if isinstance(denoise, partial) else denoise, "cost", None)
    return 1 if own is None else own(t)


def as_pytree(denoise: Denoise) -> Denoise:
    """Return a denoiser that a compiled function takes as an argument: a function is wrapped."""
    from jax.tree_util import Partial, all_leaves

    return Partial(denoise) if all_leaves([denoise]) else denoise


class Kind(NamedTuple):
    """One way to say what x_t is made of; a and s are alpha_t and sigma_t, y the output.

    Attributes:
        target: (a, s, x_0, eps) -> y.
        prediction: (a, s, x_t, y) -> x_0, eps.
        x_0_gain: (a, s) -> the error of x_0 that an error of 1 in y causes.
    """

    target: Callable[[Any, Any, Any, Any], Any]
    prediction: Callable[[Any, Any, Any, Any], tuple[Any, Any]]
    x_0_gain: Callable[[Any, Any], Any]


KINDS: dict[PredictionType, Kind] = {
    "epsilon": Kind(
        target=lambda a, s, x_0, eps: eps,
        prediction=lambda a, s, x_t, eps: ((x_t - s * eps) / a, eps),
        x_0_gain=lambda a, s: s / a,
    ),
    "x_0": Kind(
        target=lambda a, s, x_0, eps: x_0,
        prediction=lambda a, s, x_t, x_0: (x_0, (x_t - a * x_0) / s),
        x_0_gain=lambda a, s: 1 + 0 * a,
    ),
    "v": Kind(
        target=lambda a, s, x_0, eps: a * eps - s * x_0,
        prediction=lambda a, s, x_t, v: (
            (a * x_t - s * v) / (a**2 + s**2),
            (s * x_t + a * v) / (a**2 + s**2),
        ),
        x_0_gain=lambda a, s: s / (a**2 + s**2),
    ),
    "u": Kind(
        target=lambda a, s, x_0, eps: eps - x_0,
        prediction=lambda a, s, x_t, u: ((x_t - s * u) / (a + s), (x_t + a * u) / (a + s)),
        x_0_gain=lambda a, s: s / (a + s),
    ),
}
"""The kinds of output, by the name that a config gives them."""


def prediction_of(
    kind: PredictionType,
    schedule: Schedule,
    x_t: jax.Array,
    output: jax.Array,
    t: jax.typing.ArrayLike,
) -> Prediction:
    """Return what a network's output says of x_t; t a scalar or (B,), below T and at least 0.

    An output of kind epsilon says nothing of x_0 where alpha_t is 0.

    Raises:
        InputError: if there is no such kind.
    """
    if kind not in KINDS:
        raise InputError(f"prediction_type: {kind!r} must be one of {', '.join(KINDS)}")
    return Prediction(*KINDS[kind].prediction(*schedule.rates(t, x_t), x_t, output))


def target_of(
    kind: PredictionType,
    schedule: Schedule,
    x_0: jax.Array,
    eps: jax.Array,
    t: jax.typing.ArrayLike,
) -> jax.Array:
    """Return what a network should say of x_t = alpha_t x_0 + sigma_t eps: the shape of x_0."""
    return KINDS[kind].target(*schedule.rates(t, x_0), x_0, eps)


def x_0_gain(kind: PredictionType, schedule: Schedule, t: jax.typing.ArrayLike) -> jax.Array:
    """Return the error of x_0 that an error of 1 in the output causes, of the shape of t."""
    return KINDS[kind].x_0_gain(schedule.alpha(t), schedule.sigma(t))


def from_x_0(
    schedule: Schedule, x_t: jax.Array, x_0: jax.Array, t: jax.typing.ArrayLike
) -> Prediction:
    """Return x_0 and the noise that belongs to it: eps = (x_t - alpha_t x_0) / sigma_t."""
    return prediction_of("x_0", schedule, x_t, x_0, t)
