"""Features that cannot be compared."""

import numpy as np
import pytest

from sfumato.errors import InputError
from sfumato.evaluation.frechet import frechet_distance
from sfumato.evaluation.kernel import kernel_distance
from sfumato.evaluation.neighbours import manifold_scores

pytestmark = pytest.mark.quick_compile

GOOD = np.arange(20.0).reshape(10, 2)


@pytest.mark.parametrize("measure", [frechet_distance, kernel_distance, manifold_scores])
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (GOOD[:1], "N at least 2"),
        (GOOD[:, 0], r"\(10,\) must be \(N, D\)"),
        (np.where(GOOD == 3, np.nan, GOOD), "NaN or infinite"),
        (GOOD[:, :1], "cannot be compared"),
    ],
)
def test_features_that_do_not_go_together(measure, bad, words):
    with pytest.raises(InputError, match=words):
        measure(GOOD, bad)
    with pytest.raises(InputError):
        measure(bad, GOOD)
