"""Schedules against their papers, in float64."""

import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import ValidationError

from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.schedule import BETAS, make_schedule, schedule_from_betas
from sfumato.errors import InputError


def test_linear_ends_where_the_paper_says():
    betas = BETAS["linear"](1000, 1e-4, 0.02)
    assert betas.dtype == np.float64
    assert betas[0] == 1e-4 and betas[-1] == 0.02
    np.testing.assert_allclose(np.diff(betas), (0.02 - 1e-4) / 999)
    # Ho et al., section 4: the KL to pure noise is about 1e-5 bits per dimension, which asks for
    # an alpha_bar_T near 4e-5.
    assert schedule_from_betas(betas).alpha_bar(999) == pytest.approx(4.0358e-5, rel=1e-3)


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
    # exp turns the rounding of its argument, up to 20, into a relative error
    np.testing.assert_allclose(schedule.alpha_bar(t), alpha_bar, rtol=2e-6)
    np.testing.assert_allclose(schedule.one_minus_alpha_bar(t), 1 - alpha_bar, rtol=1e-6)
    np.testing.assert_allclose(schedule.beta(t, t - 1), betas, rtol=2e-4)


def test_the_data_has_no_noise(schedule):
    assert schedule.alpha_bar(-1) == 1 and schedule.one_minus_alpha_bar(-1) == 0
    assert schedule.beta(7, -1) == schedule.one_minus_alpha_bar(7)


def test_lengths_and_shapes(schedule):
    assert schedule.noise_steps == 1000
    assert schedule.alpha_bar(jnp.zeros((2, 3), int)).shape == (2, 3)
    assert make_schedule(DiffusionConfig(noise_steps=1)).noise_steps == 1


@pytest.mark.parametrize(
    ("betas", "named"),
    [([0.1, 1.0], "beta_1 = 1"), ([0.0], "beta_0 = 0"), ([0.1, np.nan], "nan"), ([], "shape")],
)
def test_betas_outside_0_and_1_are_named(betas, named):
    with pytest.raises(InputError, match=named):
        schedule_from_betas(np.array(betas))


def test_unknown_schedule():
    with pytest.raises(ValidationError, match="linear"):
        DiffusionConfig(beta_schedule="cosin")  # type: ignore[arg-type]
