"""Linear measurements of images: fewer pixels, a blur, a part of the pixels.

y = A x + noise z,   z ~ N(0, I)

Fewer pixels and a blur act on rows and columns alone: A x = L x R^T for each channel, so that the
singular values of A are the products of those of L and R. A mask multiplies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BeforeValidator

from sfumato.config.fields import plain

if TYPE_CHECKING:
    from jax import Array

    from sfumato.diffusion.prediction import Given

LEAST = 1e-3
"""Singular values up to this are taken for 0; the largest is 1 / k, or about 1 for a blur."""
_FORMS = "must be {{downsample: FACTOR}}, {{blur: WIDTH}} or {{random: SHARE}}"  # a format


def _operator(value: object) -> object:
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError(_FORMS)
    ((kind, amount),) = value.items()
    amount = plain(amount)
    number = isinstance(amount, int | float) and not isinstance(amount, bool)
    match kind:
        case "downsample":
            if not number or amount not in (2, 4, 8):
                raise ValueError("asks for a factor that must be 2, 4 or 8")
            return {kind: int(amount)}
        case "blur":
            if not number or not 0 < amount <= 16:  # noqa: PLR2004
                raise ValueError("asks for a width that must be greater than 0 and at most 16")
        case "random":
            if not number or not 0 < amount < 1:
                raise ValueError(
                    "asks for a share of pixels that must be greater than 0 and less than 1"
                )
        case _:
            raise ValueError(_FORMS)
    return {kind: float(amount)}


OperatorConfig = Annotated[Any, BeforeValidator(_operator)]
"""`{downsample: k}`: the mean of each block of k by k pixels. `{blur: w}`: a Gaussian blur of
standard deviation w, in pixels. `{random: p}`: a share p of the pixels."""


@dataclass(frozen=True)
class Operator:
    """A linear measurement of images (B, H, W, C); hashable, so a part of a compiled program.

    Attributes:
        kind: `downsample`, `blur`, or `mask`, which is in `given`.
        amount: the factor, or the width in pixels.
    """

    kind: str
    amount: float = 0

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Operator:
        """Return the operator that a config describes."""
        ((kind, amount),) = config.items()
        return cls("mask") if kind == "random" else cls(kind, amount)

    def measure(self, x: Array, given: Given) -> Array:
        """Return A x: (B, h, w, C)."""
        if self.kind == "mask":
            return given["mask"] * x
        left, right = self._sides(x)
        return _both(left, x, right)

    def transpose(self, y: Array, given: Given, like: Array) -> Array:
        """Return A^T y, of the shape of the images `like`."""
        if self.kind == "mask":
            return given["mask"] * y
        left, right = self._sides(like)
        return _both(left.T, y, right.T)

    def solve(self, y: Array, given: Given, like: Array, prior: Array, noise: float) -> Array:
        """Return A^T (prior A A^T + noise^2 I)^-1 y, of the shape of the images `like`.

        Args:
            y: (B, h, w, C).
            given: where the mask is.
            like: images, (B, H, W, C).
            prior: the variance of a pixel, a scalar.
            noise: the standard deviation of a measured number.
        """
        import jax.numpy as jnp

        if self.kind == "mask":
            return given["mask"] * y / (prior + noise**2)
        (left, a, from_left), (right, b, from_right) = (
            _svd(*self._side(size)) for size in like.shape[1:3]
        )
        values = np.outer(a, b).astype(np.float32)[..., None]
        kept = values > LEAST
        gains = jnp.where(kept, values / (prior * np.where(kept, values, 1) ** 2 + noise**2), 0)
        inside = _both(left.T, y, right.T)
        return _both(from_left.T, gains * inside, from_right.T)

    def _sides(self, x: Array) -> tuple[np.ndarray, np.ndarray]:
        left, right = (matrix(*self._side(size)) for size in x.shape[1:3])
        return left, right

    def _side(self, size: int) -> tuple[str, float, int]:
        return self.kind, self.amount, size


@cache
def matrix(kind: str, amount: float, size: int) -> np.ndarray:
    """Return the matrix (h, size), in float64, by which a measurement acts on one axis."""
    if kind == "downsample":
        factor = int(amount)
        return np.repeat(np.eye(size // factor), factor, axis=1) / factor
    away = np.arange(-4 * size, 4 * size + 1)
    weights = np.exp(-((away / amount) ** 2) / 2)
    seen = (np.arange(size)[:, None] + away) % (2 * size)
    seen = np.minimum(seen, 2 * size - 1 - seen)  # beyond its border the image is mirrored
    blur = np.zeros((size, size))
    np.add.at(blur, (np.arange(size)[:, None], seen), weights / weights.sum())
    return blur


@cache
def _svd(kind: str, amount: float, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return U, the singular values, and V^T of a matrix, U and V^T for as many as there are."""
    u, values, vt = np.linalg.svd(matrix(kind, amount, size), full_matrices=False)
    return u, values, vt


def _both(left: np.ndarray, x: Any, right: np.ndarray) -> Any:
    """Return left x right^T for each channel of x (B, H, W, C)."""
    import jax.numpy as jnp

    sides = np.float32(left), np.float32(right)
    return jnp.einsum("hi,bijc,wj->bhwc", sides[0], x, sides[1], precision="highest")
