"""What a function of the library is called with: of the right kind, or a sentence says so."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from numbers import Integral
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from sfumato.errors import InputError

_NUMBERS = "must be an array of numbers, real and not masked"
_FEW = 12
"""So many numbers are shown whole where they do not fit."""
_INSIDE = ("sfumato", "flax", "contextlib")
"""The packages whose frames lie between a caller and what warns."""


def of_kind(name: str, value: Any, kind: type, example: str) -> Any:  # noqa: ANN401
    """Return a value of a kind; an InputError names the argument, the value and an example."""
    if not isinstance(value, kind):
        raise InputError(f"{name}: {_cut(value)} must be of the kind of {example}")
    return value


def is_whole(value: object) -> bool:
    """Tell whether a value is a whole number, of Python, NumPy or jax; True and 8.0 are not."""
    if isinstance(value, jax.Array) and not isinstance(value, Tracer):
        return value.shape == () and jnp.issubdtype(value.dtype, jnp.integer)
    return isinstance(value, Integral) and not isinstance(value, bool)


def whole(name: str, value: Any, least: int = 1) -> int:  # noqa: ANN401
    """Return a whole number from `least` up; an InputError names the argument."""
    if not is_whole(value):
        raise InputError(f"{name}: {_cut(value)} must be a whole number, at least {least}")
    if value < least:
        raise InputError(f"{name}: {value} must be at least {least}")
    return int(value)


def whole_numbers(name: str, values: jax.typing.ArrayLike, count: int, least: int = 0) -> jax.Array:
    """Return whole numbers as an array; those outside least .. count - 1 are an InputError.

    What jax traces cannot be checked, and passes.
    """
    if not isinstance(values, Tracer):
        given = array(name, values)
        if isinstance(values, np.ma.MaskedArray):
            raise InputError(f"{name}: {_cut(values)} {_NUMBERS}")
        right = np.issubdtype(given.dtype, np.integer)
        wrong = (given < least) | (given >= count) if right else np.array([True])
        if wrong.any():
            raise InputError(f"{name}: {_unfit(given, right, wrong)} from {least} to {count - 1}")
    return jnp.asarray(values, jnp.int32)


def _unfit(given: np.ndarray, right: bool, wrong: np.ndarray) -> str:
    """Say what must be whole numbers: all, if they are few, or else a type, or the first wrong."""
    if given.size <= _FEW or given.dtype.kind in "OUS":
        shown = _cut(given.tolist()) if given.dtype.kind in "US" else _cut(given, str)
        return f"{shown} must be whole numbers"
    if not right:
        return f"{given.dtype} of shape {given.shape} must be whole numbers"
    place = int(np.argmax(wrong))
    return f"{given.flat[place]}, at place {place}, must be a whole number"


def shaped(name: str, values: jax.typing.ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array (N, *shape) of numbers; a single (*shape) is an array of one."""
    given = floats(name, values)
    if isinstance(given, Tracer):
        raise InputError(f"{name}: jax traces it; call this outside jit, grad and vmap")
    array = np.asarray(given)
    array = array[None] if array.shape == shape else array
    if array.shape[1:] != shape or not array.size:
        least = "" if array.size else ", N at least 1"
        raise InputError(
            f"{name}: its shape {array.shape} must be (N, {', '.join(map(str, shape))}){least}"
        )
    if not np.isfinite(array).all():
        raise InputError(f"{name}: holds NaN or infinities")
    return array


def numbers(name: str, values: Any) -> np.ndarray:  # noqa: ANN401
    """Return real numbers, or True and False, as an array; an InputError names the argument."""
    if isinstance(values, Tracer):
        raise InputError(f"{name}: jax traces it; call this outside jit, grad and vmap")
    given = array(name, values)
    if isinstance(values, np.ma.MaskedArray) or not _holds_numbers(given.dtype, "biufV"):
        raise InputError(f"{name}: {_cut(values)} {_NUMBERS}")
    return given


def warn(message: str) -> None:
    """Warn of what is outside the library: of the line that called it, through however many."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _INSIDE:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


def array(name: str, values: Any) -> np.ndarray:  # noqa: ANN401
    """Return values as an array; rows of different lengths are an InputError."""
    try:
        return np.asarray(values)
    except (TypeError, ValueError):
        raise InputError(f"{name}: {_cut(values)} must be an array") from None


def floats(name: str, values: jax.typing.ArrayLike) -> jax.Array:
    """Return real numbers as an array, float32; an InputError names the argument."""
    try:
        if not isinstance(values, jax.Array):
            real = _holds_numbers(np.asarray(values).dtype, "biufVO")
            if not real or isinstance(values, np.ma.MaskedArray):
                raise TypeError
        return jnp.asarray(values, jnp.float32)
    except (TypeError, ValueError):
        raise InputError(f"{name}: {_cut(values)} {_NUMBERS}") from None


def repeated(array: np.ndarray, n_samples: int | None) -> np.ndarray:
    """Return as many as are asked for of a single one."""
    n = len(array) if n_samples is None else whole("n_samples", n_samples)
    if len(array) not in (1, n):
        raise InputError(f"n_samples: {n} must be {len(array)}, the number of images, or left out")
    return np.repeat(array, n, axis=0) if len(array) == 1 else array


def _holds_numbers(dtype: np.dtype, kinds: str) -> bool:
    """Tell whether a type is of these kinds; V is bfloat16, and also records of several fields."""
    return dtype.kind in kinds and dtype.names is None


def _cut(value: object, write: Callable[[object], str] = repr) -> str:
    text = " ".join(write(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
