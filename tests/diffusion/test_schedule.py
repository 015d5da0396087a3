"""Schedules against their papers, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.betas import BETAS
from sfumato.diffusion.schedule import make_schedule, schedule_from_betas, schedule_from_rates
from sfumato.errors import InputError

pytestmark = pytest.mark.quick_compile


def test_linear_ends_where_the_paper_says():
    betas = BETAS["linear"](1000, 1e-4, 0.02)
    assert betas.dtype == np.float64
    assert betas[0] == 1e-4 and betas[-1] == 0.02
    np.testing.assert_allclose(np.diff(betas), (0.02 - 1e-4) / 999)
    # Ho et al., section 4: the KL to pure noise is about 1e-5 bits per dimension, which asks for
    # an alpha_bar_T near 4e-5.
    assert schedule_from_betas(betas).alpha(999) ** 2 == pytest.approx(4.0358e-5, rel=1e-3)


def test_cosine_is_a_squared_cosine_and_capped_only_from_above():
    betas = BETAS["cosine"](1000, 1e-4, 0.02)
    alpha_bar = np.cumprod(1 - betas)
    u = np.arange(1, 1001) / 1000
    law = (np.cos((u + 0.008) / 1.008 * np.pi / 2) / np.cos(0.008 / 1.008 * np.pi / 2)) ** 2
    np.testing.assert_allclose(alpha_bar[:-1], law[:-1], rtol=1e-9)
    assert betas[-1] == 0.999 and (betas < 0.999).sum() == 999
    assert betas[0] < 1e-4  # the first betas are smaller than any beta_start one would give


def test_square_roots_of_quadratic_are_evenly_spaced():
    betas = BETAS["quadratic"](100, 1e-4, 0.02)
    np.testing.assert_allclose(np.diff(np.sqrt(betas)), (0.02**0.5 - 0.01) / 99)
    assert (betas[0], betas[-1]) == pytest.approx((1e-4, 0.02))


def test_sigmoid_is_symmetric_about_the_middle():
    betas = BETAS["sigmoid"](101, 1e-4, 0.02)
    np.testing.assert_allclose(betas + betas[::-1], 0.0201)
    assert (np.diff(betas) > 0).all()
    # The logistic curve at -6 is 1 / (1 + e^6).
    assert betas[0] == pytest.approx(1e-4 + 0.0199 / (1 + np.exp(6)))


@pytest.mark.parametrize("name", BETAS)
def test_tables_are_exact_to_float32(name):
    config = DiffusionConfig(beta_schedule=name)
    betas = BETAS[name](1000, config.beta_start, config.beta_end)
    schedule = make_schedule(config)
    alpha_bar = np.cumprod(1 - betas)
    t = np.arange(1000)
    np.testing.assert_allclose(schedule.alpha(t) ** 2, alpha_bar, rtol=3e-7)
    np.testing.assert_allclose(schedule.sigma(t) ** 2, 1 - alpha_bar, rtol=3e-7)
    # Neighbouring times, where 1 - alpha_bar_t / alpha_bar_s cancels, and distant ones.
    np.testing.assert_allclose(schedule.beta(t, t - 1), betas, rtol=1e-6)
    between = 1 - alpha_bar[100:] / alpha_bar[:-100]
    np.testing.assert_allclose(schedule.beta(t[100:], t[:-100]), between, rtol=1e-6)


@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_lambda_is_half_the_log_of_the_signal_to_noise_ratio(name):
    betas = BETAS[name](1000, 1e-4, 0.02)
    alpha_bar, schedule = np.cumprod(1 - betas), schedule_from_betas(betas)
    lam = np.log(alpha_bar / (1 - alpha_bar)) / 2
    t = np.arange(1000)
    np.testing.assert_allclose(schedule.lam(t), lam, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(schedule.h(t[1:], t[:-1]), -np.diff(lam), rtol=1e-6)
    np.testing.assert_allclose(schedule.h(t[100:], t[:-100]), lam[:-100] - lam[100:], rtol=1e-6)


def test_the_data_has_no_noise(schedule):
    assert schedule.alpha(-1) == 1 and schedule.sigma(-1) == 0 and schedule.lam(-1) == np.inf
    assert schedule.beta(7, -1) == schedule.sigma(7) ** 2
    assert schedule.h(7, -1) == np.inf


def test_the_linear_path_is_another_filling():
    time = np.arange(1, 101) / 100
    schedule = schedule_from_rates(1 - time, time)
    t = np.arange(100)
    np.testing.assert_allclose(schedule.alpha(t) + schedule.sigma(t), 1, rtol=1e-7)
    assert schedule.noise_steps == 100
    assert schedule.alpha(99) == 0 and schedule.sigma(99) == 1 and schedule.lam(99) == -np.inf
    assert not any(np.isnan(table).any() for table in jax.tree.leaves(schedule))
    # The noise that a later x_t has beyond that of x_s: variances of independent parts add.
    t, s = t[1:-1], t[:-2]
    ratio = (1 - time[t]) / (1 - time[s])
    np.testing.assert_allclose(
        schedule.beta(t, s), time[t] ** 2 - ratio**2 * time[s] ** 2, rtol=1e-5
    )
    assert schedule.beta(99, 40) == 1 and schedule.beta(0, -1) == pytest.approx(1e-4)


def published_zero_terminal(betas):
    """Return the betas of Lin et al. 2023, arXiv:2305.08891, algorithm 1, step by step."""
    root = np.sqrt(np.cumprod(1 - betas))
    first, last = root[0], root[-1]
    root = (root - last) * (first / (first - last))
    alphas_bar = root**2
    return 1 - np.concatenate([alphas_bar[:1], alphas_bar[1:] / alphas_bar[:-1]])


@pytest.mark.parametrize("name", BETAS)
@pytest.mark.parametrize("noise_steps", [2, 10, 1000])
def test_zero_terminal_snr_is_the_published_algorithm(name, noise_steps):
    settings = {"beta_schedule": name, "noise_steps": noise_steps, "prediction_type": "v"}
    config = DiffusionConfig(**settings, zero_terminal_snr=True)
    betas = published_zero_terminal(BETAS[name](noise_steps, 1e-4, 0.02))
    schedule, t = make_schedule(config), np.arange(noise_steps)
    np.testing.assert_allclose(schedule.beta(t, t - 1), betas, rtol=3e-6)
    alpha_bar = np.cumprod(1 - betas)
    np.testing.assert_allclose(schedule.alpha(t) ** 2, alpha_bar, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(schedule.sigma(t) ** 2, 1 - alpha_bar, rtol=1e-6)
    assert schedule.ends_in_noise and schedule.alpha(noise_steps - 1) == 0
    assert schedule.alpha(0) == make_schedule(DiffusionConfig(**settings)).alpha(0)


def test_zero_terminal_snr_keeps_its_digits_where_betas_are_tiny():
    """alpha_0 and alpha_T are one number in float64, and the schedule still falls to 0."""
    betas = {"beta_start": 1e-20, "beta_end": 1e-18, "prediction_type": "v"}
    schedule = make_schedule(DiffusionConfig(**betas, noise_steps=50, zero_terminal_snr=True))
    alphas = np.asarray(schedule.alpha(np.arange(50)), np.float64)
    lost = np.cumsum(np.linspace(1e-20, 1e-18, 50))  # of log alpha_bar
    expected = (lost[-1] - lost) / (lost[-1] - lost[0])
    np.testing.assert_allclose(alphas, expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("noise_steps", [1, 2, 1000])
def test_the_path_of_flow_matching(noise_steps):
    """Index i is time (i + 1) / T, and the last is pure noise."""
    config = DiffusionConfig(path="linear", prediction_type="u", noise_steps=noise_steps)
    schedule, t = make_schedule(config), np.arange(noise_steps)
    time = (t + 1) / noise_steps
    np.testing.assert_allclose(schedule.sigma(t), time, rtol=1e-7)
    np.testing.assert_allclose(schedule.alpha(t), 1 - time, rtol=1e-6, atol=1e-8)
    assert schedule.ends_in_noise and schedule.lam(noise_steps - 1) == -np.inf
    np.testing.assert_array_equal(schedule.lam(t), config.log_ratios().astype(np.float32))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"path": "linear"}, "prediction_type: 'epsilon' cannot be used with path: linear: at the"),
        ({"zero_terminal_snr": True}, "'epsilon' cannot be used with zero_terminal_snr: true: at"),
        (
            {"zero_terminal_snr": True, "noise_steps": 1, "prediction_type": "v"},
            "zero_terminal_snr: true needs at least 2 noise_steps",
        ),
        ({"path": "straight"}, "path: 'straight' must be one of 'variance_preserving' or 'linear'"),
        ({"zero_terminal_snr": 1}, "zero_terminal_snr: 1 must be true or false"),
    ],
)
def test_what_does_not_go_together(settings, said):
    with pytest.raises(InputError, match=said):
        DiffusionConfig(**settings)


def test_lengths_and_shapes(schedule):
    assert schedule.noise_steps == 1000
    assert schedule.alpha(jnp.zeros((2, 3), int)).shape == (2, 3)
    alpha, sigma = schedule.rates(jnp.zeros(2, int), jnp.zeros((2, 4, 4, 1)))
    assert alpha.shape == sigma.shape == (2, 1, 1, 1)
    assert make_schedule(DiffusionConfig(noise_steps=1)).noise_steps == 1


@pytest.mark.parametrize(
    ("alphas", "sigmas", "said"),
    [
        ([0.9, 0.5], [0.1], "shapes"),
        ([0.9, 0.5], [0.0, 0.5], "sigma above 0"),
        ([0.9, -0.1], [0.1, 0.5], "to 0 at most"),
        ([0.5, 0.5], [0.5, 0.5], "falls"),
        ([0.9, np.nan], [0.1, 0.5], "to 0 at most"),
        ([], [], "shapes"),
        ([np.inf, 0.5], [0.1, 0.5], "of time 0 alpha is inf"),
        ([0.9, 0.5], [0.1, np.inf], "of time 1 sigma is inf"),
        ([0.9, 0.5], [1e-60, 0.8], "of time 0 sigma is 1e-60"),
        ([0.9, 1e-50], [0.1, 1.0], "of time 1 alpha is 1e-50"),
        (
            np.ones(9),
            np.geomspace(0.01, 80, 9),
            r"not 6401; divide all alphas and sigmas by 80\.006",
        ),
    ],
)
def test_impossible_rates(alphas, sigmas, said):
    with pytest.raises(InputError, match=said):
        schedule_from_rates(np.array(alphas), np.array(sigmas))


@pytest.mark.parametrize(
    ("betas", "named"),
    [
        (np.full(1000, 0.5), "float32 can hold; of time 25. alpha is"),
        ([0.1, 1.0], "beta_1 = 1"),
        ([0.0], "beta_0 = 0"),
        ([0.1, np.nan], "nan"),
        ([], "shape"),
    ],
)
def test_betas_outside_0_and_1_are_named(betas, named):
    with pytest.raises(InputError, match=named):
        schedule_from_betas(np.array(betas))


@pytest.mark.parametrize("t", [1000, -3, 3.9, [0, 5000], np.nan])
def test_times_that_there_are_not(t, schedule):
    for ask in (schedule.alpha, schedule.sigma, schedule.lam, lambda t: schedule.h(5, t)):
        with pytest.raises(InputError, match="t: .* must be whole numbers from -2 to 999"):
            ask(t)
    assert jax.jit(schedule.alpha)(5) == schedule.alpha(np.int64(5))


def test_unknown_schedule():
    with pytest.raises(InputError, match="linear"):
        DiffusionConfig(beta_schedule="cosin")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: make_schedule(3), r"config: 3 must be of the kind of DiffusionConfig\(\)"),
        (
            lambda: make_schedule({"noise_steps": 5}),
            "config: {'noise_steps': 5} must be of the kin",
        ),
        (lambda: make_schedule(None), "config: None must be of the kind"),
        (lambda: schedule_from_betas("abc"), "a schedule needs lists of numbers, not 'abc'"),
        (lambda: schedule_from_betas([0.1, "a"]), r"needs lists of numbers, not \[0.1, 'a'\]"),
        (lambda: schedule_from_rates([0.5], ["a"]), r"needs lists of numbers, not \['a'\]"),
    ],
)
def test_arguments_of_another_kind(call, said):
    with pytest.raises(InputError, match=said):
        call()
