"""What is called with the wrong kind of thing is named, in a sentence that can be read."""

import numpy as np
import pytest

from sfumato.compute.arguments import floats, numbers, shaped, whole_numbers
from sfumato.errors import InputError

MANY = np.arange(4000) % 10


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.where(np.arange(4000) == 1234, 10, MANY), "10, at place 1234, must be a whole number"),
        (np.zeros(900), "float64 of shape (900,) must be whole numbers"),
        ([0, 12], "[ 0 12] must be whole numbers"),
        ("seven", "'seven' must be whole numbers"),
        (np.ma.array([0, 1], mask=[0, 1]), "real and not masked"),
    ],
    ids=["one of many", "floats", "few", "text", "masked"],
)
def test_labels_that_do_not_fit_are_said_in_a_line(labels, said):
    with pytest.raises(InputError) as caught:
        whole_numbers("labels", labels, 10, least=-1)
    message = str(caught.value)
    assert said in message and "\n" not in message and len(message) < 160


@pytest.mark.parametrize("value", [1.0, np.array(0), np.zeros((0, 4, 4, 1))])
def test_what_is_no_image(value):
    with pytest.raises(InputError, match=r"x: its shape .* must be \(N, 4, 4, 1\)"):
        shaped("x", value, (4, 4, 1))


@pytest.mark.parametrize("dtype", [[("a", "f4")], "M8[s]", "m8[s]"], ids=str)
def test_records_and_times_are_no_numbers(dtype):
    for take in (floats, numbers):
        with pytest.raises(InputError, match="must be an array of numbers"):
            take("x", np.zeros(3, dtype))
