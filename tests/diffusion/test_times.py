"""Spacings against the tables of the papers that named them."""

import numpy as np
import pytest

from sfumato.diffusion.times import spaced_timesteps
from sfumato.errors import InputError

# Lin et al. 2023, arXiv:2305.08891, table 2: T = 1000, N = 10, with their times 1 .. T.
TABLE = {
    "leading": [901, 801, 701, 601, 501, 401, 301, 201, 101, 1],
    "linspace": [1000, 889, 778, 667, 556, 445, 334, 223, 112, 1],
    "trailing": [1000, 900, 800, 700, 600, 500, 400, 300, 200, 100],
}


@pytest.mark.parametrize("spacing", TABLE)
def test_published_table(spacing):
    np.testing.assert_array_equal(spaced_timesteps(1000, 10, spacing) + 1, TABLE[spacing])


@pytest.mark.parametrize("spacing", TABLE)
@pytest.mark.parametrize("noise_steps", [1, 2, 7, 50, 999, 1000])
def test_any_number_of_steps_falls_strictly_and_stays_inside(spacing, noise_steps):
    for steps in range(1, noise_steps + 1, max(1, noise_steps // 60)):
        times = spaced_timesteps(noise_steps, steps, spacing)
        assert len(times) == steps and times.dtype == np.int32
        assert times[-1] >= 0 and times[0] < noise_steps
        assert (np.diff(times) < 0).all()
    np.testing.assert_array_equal(
        spaced_timesteps(noise_steps, noise_steps, spacing), np.arange(noise_steps)[::-1]
    )


def test_ends():
    assert spaced_timesteps(1000, 37, "trailing")[0] == 999
    assert spaced_timesteps(1000, 37, "leading")[-1] == 0
    assert spaced_timesteps(1000, 37, "linspace")[[0, -1]].tolist() == [999, 0]


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_impossible_lengths(steps):
    with pytest.raises(InputError, match=f"{steps} must be from 1 to 1000"):
        spaced_timesteps(1000, steps)


def test_unknown_spacing():
    with pytest.raises(InputError, match="leading, linspace, trailing"):
        spaced_timesteps(10, 5, "even")


@pytest.mark.parametrize(
    ("noise_steps", "steps", "said"),
    [
        ("a", 5, "noise_steps: 'a' must be a whole number from 1 up"),
        (20.5, 5, "noise_steps: 20.5 must be a whole number from 1 up"),
        (0, 1, "noise_steps: 0 must be a whole number from 1 up"),
        (True, 1, "noise_steps: True must be a whole number from 1 up"),
        (20, True, "steps: True must be from 1 to 20"),
        (20, "5", "steps: '5' must be from 1 to 20"),
    ],
)
def test_arguments_of_another_kind(noise_steps, steps, said):
    with pytest.raises(InputError, match=said):
        spaced_timesteps(noise_steps, steps)
