"""Every sampler: a contract. DDPM and DDIM: the laws they follow where the exact eps is known."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import gaussian_predictor, some_quick
from pydantic import ValidationError

import sfumato.samplers
from sfumato.diffusion.times import spaced_timesteps
from sfumato.errors import InputError
from sfumato.samplers import DDIM, DDPM, SAMPLERS, sampler_class
from sfumato.sampling.batches import sample

MEAN, STD = 0.7, 0.3
ALPHA_BAR = np.concatenate([np.cumprod(1 - np.linspace(1e-4, 0.02, 1000)), [1.0]])  # [-1]: data

# A row for each sampler and each of its settings.
VARIANTS = [
    DDPM(),
    DDPM(variance="large"),
    DDPM(clip=False),
    DDIM(),
    DDIM(eta=0.5),
    DDIM(eta=1.0, clip=False),
]


def draw(schedule, sampler, steps, n_samples=4, shape=(4, 4, 1), spacing="trailing", **options):
    """Sample from N(MEAN, STD^2) with the exact eps."""
    return sample(
        gaussian_predictor(schedule, MEAN, STD),
        schedule,
        sampler,
        timesteps=spaced_timesteps(1000, steps, spacing),
        key=jax.random.key(1),
        n_samples=n_samples,
        image_shape=shape,
        **options,
    )


def test_every_sampler_has_a_row():
    assert {type(sampler).__name__ for sampler in VARIANTS} == set(SAMPLERS.values())


@pytest.mark.parametrize("sampler", VARIANTS, ids=repr)
class TestContract:
    """What is true of every sampler."""

    def step(self, sampler, schedule, t=500, s=480, key=0):
        x_t, eps = jnp.linspace(-2, 2, 32).reshape(2, 4, 4), jnp.linspace(-1, 1.5, 32)[::-1]
        return sampler.step(schedule, x_t, eps.reshape(2, 4, 4), t, s, jax.random.key(key))

    def test_frozen_hashable_and_equal_by_value(self, sampler):
        assert sampler == dataclasses.replace(sampler)
        assert hash(sampler) == hash(dataclasses.replace(sampler))
        with pytest.raises(dataclasses.FrozenInstanceError):
            sampler.clip = True

    def test_same_key_same_step(self, sampler, schedule):
        step = self.step(sampler, schedule)
        assert step.shape == (2, 4, 4) and step.dtype == jnp.float32
        np.testing.assert_array_equal(step, self.step(sampler, schedule))

    def test_only_noise_depends_on_the_key(self, sampler, schedule):
        same = np.array_equal(self.step(sampler, schedule), self.step(sampler, schedule, key=1))
        assert same == (sampler == DDIM())

    def test_jit_is_eager(self, sampler, schedule):
        jitted = jax.jit(lambda t, s: self.step(sampler, schedule, t, s))(500, 480)
        np.testing.assert_allclose(jitted, self.step(sampler, schedule), rtol=1e-5, atol=1e-6)

    def test_step_to_the_data_is_the_prediction_without_noise(self, sampler, schedule):
        x_t, eps = jnp.full((3,), 0.5), jnp.array([0.1, -0.2, 0.3])
        for t in (0, 19, 999):
            a = ALPHA_BAR[t]
            x_0 = (0.5 - np.sqrt(1 - a) * np.asarray(eps)) / np.sqrt(a)
            if sampler.clip:
                x_0 = x_0.clip(-1, 1)
            x = sampler.step(schedule, x_t, eps, t, -1, jax.random.key(0))
            np.testing.assert_allclose(x, x_0, rtol=2e-5)

    def test_the_true_eps_leads_back_to_the_image(self, sampler, schedule):
        """Data that is one point: whatever the noise, the last prediction is that point."""
        x_0 = jnp.linspace(-1, 1, 16).reshape(4, 4, 1)
        drawn = sample(
            lambda x, t: gaussian_predictor(schedule, x_0, 0.0)(x, t),
            schedule,
            sampler,
            timesteps=spaced_timesteps(1000, 10),
            key=jax.random.key(0),
            n_samples=2,
            image_shape=x_0.shape,
        )
        for image in drawn.images:
            np.testing.assert_allclose(image, x_0, atol=1e-4)

    @pytest.mark.parametrize("steps", some_quick([1, 2, 7], (2).__eq__))
    def test_few_steps_stay_finite_and_clipped(self, sampler, schedule, steps):
        images = draw(schedule, sampler, steps).images
        assert np.isfinite(images).all()
        assert not sampler.clip or np.abs(images).max() <= 1

    def test_sample_i_does_not_know_its_company(self, sampler, schedule):
        alone = draw(schedule, sampler, 5, n_samples=1).images
        among = draw(schedule, sampler, 5, n_samples=19).images
        np.testing.assert_array_equal(alone[0], among[0])
        np.testing.assert_array_equal(draw(schedule, sampler, 5, n_samples=11).images, among[:11])

    def test_own_settings_are_checked(self, sampler):
        with pytest.raises(ValidationError, match="clip"):
            type(sampler)(clip="yes")
        with pytest.raises(ValidationError, match="clpi"):
            type(sampler)(clpi=True)


def x_T(n_samples, shape=(4, 4, 1)):
    """Draw the starts as the design says: sample i at t = T, folded in one at a time."""
    fold, key = jax.random.fold_in, jax.random.key(1)
    keys = [fold(fold(key, i), 1000) for i in range(n_samples)]
    return np.stack([jax.random.normal(key, shape) for key in keys]).astype(np.float64)


def affine(timesteps, eta=0.0):
    """Follow x_t = slope x_T + offset through DDIM on Gaussian data, in float64.

    Song et al. 2021, equation 12, with sigma of equation 16; returns also the variance that the
    fresh noise of all steps leaves at the end.
    """
    slope, offset, variance = 1.0, 0.0, 0.0
    for t, s in zip(timesteps, [*timesteps[1:], -1], strict=True):
        a_t, a_s = ALPHA_BAR[t], ALPHA_BAR[s]
        total = a_t * STD**2 + 1 - a_t
        eps = np.array([1, -np.sqrt(a_t) * MEAN]) * np.sqrt(1 - a_t) / total  # [of x_t, constant]
        x_0 = (np.array([1, 0]) - np.sqrt(1 - a_t) * eps) / np.sqrt(a_t)
        sigma2 = eta**2 * (1 - a_s) / (1 - a_t) * (1 - a_t / a_s)
        factor, constant = np.sqrt(a_s) * x_0 + np.sqrt(1 - a_s - sigma2) * eps
        slope, offset = factor * slope, factor * offset + constant
        variance = factor**2 * variance + sigma2
    return slope, offset, variance


@pytest.mark.parametrize("spacing", ["leading", "linspace", "trailing"])
@pytest.mark.parametrize("steps", some_quick([1, 3, 20, 50, 333, 1000], (1, 20, 333).__contains__))
def test_ddim_is_the_affine_map_of_gaussian_data(schedule, steps, spacing):
    slope, offset, _ = affine(spaced_timesteps(1000, steps, spacing))
    images = draw(schedule, DDIM(clip=False), steps, spacing=spacing).images
    np.testing.assert_allclose(images, slope * x_T(4) + offset, atol=2e-4)


def test_error_of_ddim_falls_with_the_first_power_of_the_step(schedule):
    steps = np.array([25, 50, 100, 200])
    errors = []
    for n in steps:
        images = draw(schedule, DDIM(clip=False), int(n)).images
        x = x_T(4)
        # The exact flow of Gaussian data keeps quantiles: x_T is N(., 1 - a (1 - std^2)).
        a = ALPHA_BAR[999]
        start = np.sqrt(a * STD**2 + 1 - a)
        exact = MEAN + STD * (x - np.sqrt(a) * MEAN) / start
        errors.append(np.abs(images - exact).mean())
    rates = -np.diff(np.log(errors)) / np.log(2)
    assert ((rates > 0.8) & (rates < 1.3)).all(), rates


def test_ddpm_1000_recovers_mean_and_variance(schedule):
    images = draw(schedule, DDPM(clip=False), 1000, n_samples=64, shape=(16, 16, 1)).images
    n = images.size
    assert abs(images.mean() - MEAN) < 4 * STD / np.sqrt(n)
    _, offset, variance = affine(np.arange(1000)[::-1], eta=1.0)
    assert offset == pytest.approx(MEAN, abs=1e-3)
    assert variance == pytest.approx(STD**2, rel=0.03)  # the error of 1000 steps
    assert abs(images.var() / variance - 1) < 4 * np.sqrt(2 / n)


@pytest.mark.parametrize(
    ("t", "s"), [(999, 998), (999, 500), (999, 0), (500, 480), (1, 0), (0, -1)]
)
def test_ddim_at_eta_1_draws_from_the_exact_posterior(schedule, t, s):
    """Mean and variance in float64, from Bayes' rule for Gaussians: precisions add."""
    a_t, a_s = ALPHA_BAR[t], ALPHA_BAR[s]
    x_t, eps = 0.8, 0.4
    x_0 = (x_t - np.sqrt(1 - a_t) * eps) / np.sqrt(a_t)
    drawn = DDIM(eta=1.0, clip=False).step(
        schedule, jnp.full(200_000, x_t), jnp.full(200_000, eps), t, s, jax.random.key(2)
    )
    if s < 0:
        np.testing.assert_allclose(drawn, x_0, rtol=1e-5)
        return
    ratio = a_t / a_s
    precision = ratio / (1 - ratio) + 1 / (1 - a_s)
    mean = (np.sqrt(ratio) * x_t / (1 - ratio) + np.sqrt(a_s) * x_0 / (1 - a_s)) / precision
    z = (np.asarray(drawn, np.float64) - mean) * np.sqrt(precision)
    # z is standard normal: four standard errors
    assert abs(z.mean()) < 4 / np.sqrt(z.size) + 1e-3
    assert abs(z.var() - 1) < 4 * np.sqrt(2 / z.size)


def test_ddpm_is_ddim_at_eta_1(schedule):
    small = draw(schedule, DDPM(), 20).images
    np.testing.assert_allclose(draw(schedule, DDIM(eta=1.0), 20).images, small, atol=2e-5)


def test_large_variance_is_beta(schedule):
    x_t = jnp.zeros(200_000)
    drawn = DDPM(variance="large", clip=False).step(schedule, x_t, x_t, 500, 480, jax.random.key(0))
    beta = 1 - ALPHA_BAR[500] / ALPHA_BAR[480]
    assert drawn.var() == pytest.approx(beta, rel=4 * np.sqrt(2 / 200_000))


@pytest.mark.parametrize("schedule_name", ["cosine", "sigmoid"])
@pytest.mark.parametrize("sampler", VARIANTS, ids=repr)
def test_hard_schedules_give_no_nan(sampler, schedule_name):
    from sfumato.config.diffusion import DiffusionConfig
    from sfumato.diffusion.schedule import make_schedule

    schedule = make_schedule(DiffusionConfig(beta_schedule=schedule_name))
    for steps in (1, 100):
        assert np.isfinite(draw(schedule, sampler, steps).images).all()


def test_ddim_settings_have_bounds():
    for eta in (-0.1, 1.1, float("nan"), True, "1"):
        with pytest.raises(ValidationError, match="eta"):
            DDIM(eta=eta)


def test_names():
    assert sampler_class("ddim") is DDIM
    with pytest.raises(InputError, match="choose one of ddpm, ddim"):
        sampler_class("dpm")
    with pytest.raises(AttributeError):
        sfumato.samplers.EDM  # noqa: B018
