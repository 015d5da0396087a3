"""Two sets of features (N, D) and (M, D) that can be compared with one another."""

import numpy as np

from sfumato.compute.arguments import numbers
from sfumato.errors import InputError

_FEWEST = 2


def matching_features(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two sets of features in float64.

    Raises:
        InputError: if one is not (N, D) with N at least 2, or is not finite, or their D differ.
    """
    a, b = numbers("the first features", a), numbers("the second features", b)
    a, b = a.astype(np.float64), b.astype(np.float64)
    for name, features in (("first", a), ("second", b)):
        if features.ndim != 2 or len(features) < _FEWEST or not features.size:
            raise InputError(
                f"the {name} features: their shape {features.shape} must be (N, D), "
                f"with N at least {_FEWEST}"
            )
        if not np.isfinite(features).all():
            raise InputError(
                f"the {name} features: NaN or infinite values are among them; look at the images "
                "and at the classifier's weights"
            )
    if a.shape[1] != b.shape[1]:
        raise InputError(
            f"features: {a.shape[1]} and {b.shape[1]} an image cannot be compared; take both from "
            "one classifier"
        )
    return a, b
