"""Spacings against the tables of the papers that named them."""

import numpy as np
import pytest

from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.schedule import make_schedule
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


SCHEDULES = {
    "linear": DiffusionConfig(),
    "cosine": DiffusionConfig(beta_schedule="cosine"),
    "flow": DiffusionConfig(path="linear", prediction_type="u"),
    "zero terminal": DiffusionConfig(zero_terminal_snr=True, prediction_type="v"),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 3, 10, 50, 1000])
@pytest.mark.parametrize(("spacing", "rho"), [("logsnr", 7), ("karras", 7), ("karras", 2.5)])
def test_times_are_the_nearest_to_even_values(name, steps, spacing, rho):
    """Of lambda, or of Karras et al. 2022, arXiv:2206.00364, equation 5, sigma / alpha."""
    alphas, sigmas = SCHEDULES[name].rates()
    ratio = sigmas[alphas > 0] / alphas[alphas > 0]
    share = np.arange(steps) / max(steps - 1, 1)
    largest, smallest = ratio[-1], ratio[0]
    if spacing == "logsnr":
        wanted = largest ** (1 - share) * smallest**share
    else:
        ends = largest ** (1 / rho), smallest ** (1 / rho)
        wanted = (ends[0] + share * (ends[1] - ends[0])) ** rho
    lambdas = SCHEDULES[name].log_ratios()
    times = spaced_timesteps(1000, steps, spacing, lambdas=lambdas, rho=rho)
    assert times[0] == 999 and times.dtype == np.int32 and (np.diff(times) < 0).all()
    assert times[-1] == 0 or steps == 1
    distances = np.abs(np.log(ratio)[:, None] - np.log(wanted))
    nearest = {999, *distances[:, 1:].argmin(axis=0).tolist()}
    for t in nearest ^ set(times.tolist()):  # but for two that are equally near
        assert np.diff(np.sort(distances[[t - 1, t, t + 1]], axis=0)[:2], axis=0).min() < 1e-9
    assert len(times) == len(nearest)


def test_the_same_from_the_tables_of_a_schedule():
    config = SCHEDULES["flow"]
    schedule = make_schedule(config)
    np.testing.assert_allclose(schedule.log_ratios(), config.log_ratios(), rtol=1e-13)
    for steps in range(1, 1000, 37):
        one, other = (
            spaced_timesteps(1000, steps, "karras", lambdas=each.log_ratios())
            for each in (schedule, config)
        )
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("noise_steps", [1, 2, 3, 7])
def test_few_times_and_as_many_steps(noise_steps):
    for config in SCHEDULES.values():
        if noise_steps == 1 and config.zero_terminal_snr:
            continue
        lambdas = config.model_copy(update={"noise_steps": noise_steps}).log_ratios()
        for spacing in ("logsnr", "karras"):
            times = spaced_timesteps(noise_steps, noise_steps, spacing, lambdas=lambdas)
            assert times[0] == noise_steps - 1 and times[-1] == 0
            assert len(times) == len({*times})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, r"lambdas: spacing logsnr needs those of all 1000 times, as schedule.log_ratios\("),
        ({"lambdas": np.ones(999)}, "needs those of all 1000 times"),
        ({"lambdas": np.arange(1000.0)[::-1], "rho": 0.5}, "rho: 0.5 must be a number, at least 1"),
        ({"lambdas": np.arange(1000.0)[::-1], "rho": "7"}, "rho: '7' must be a number"),
    ],
)
def test_what_a_spacing_lacks(options, said):
    with pytest.raises(InputError, match=said):
        spaced_timesteps(1000, 5, "logsnr", **options)


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
