"""Every sampler: a contract. DDPM and DDIM: the laws they follow where the denoiser is exact."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import Inversion, gaussian_denoiser

import sfumato.samplers
from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.prediction import Prediction
from sfumato.diffusion.schedule import make_schedule, schedule_from_rates
from sfumato.diffusion.times import spaced_timesteps
from sfumato.errors import InputError
from sfumato.guidance.clipping import Clipping
from sfumato.samplers import DDIM, DDPM, DPMSolver, Heun, UniPC, names, sampler_class
from sfumato.sampling.batches import sample

pytestmark = pytest.mark.quick_compile

MEAN, STD = 0.7, 0.3
ALPHA_BAR = np.concatenate([np.cumprod(1 - np.linspace(1e-4, 0.02, 1000)), [1.0]])  # [-1]: data

# A row for each sampler and each of its settings; the laws of the solvers are in test_solvers.py.
VARIANTS = [
    *(DDPM(), DDPM(variance="large"), DDIM(), DDIM(eta=0.5), DDIM(eta=1.0), Heun()),
    *(DPMSolver(), DPMSolver(order=1, stochastic=True), UniPC()),
]
NOISY = [
    *(DDPM(), DDPM(variance="large"), DDIM(eta=0.5), DDIM(eta=1.0)),
    DPMSolver(order=1, stochastic=True),
]


def clipped(schedule, mean=MEAN, std=STD):
    """Return the exact denoiser of N(mean, std^2), its x_0 clipped: one program for any of them."""
    mean = jnp.broadcast_to(mean, (4, 4, 1))
    return Clipping()(gaussian_denoiser(schedule, mean, std), schedule)


def draw(schedule, sampler, steps, n_samples=4, shape=(4, 4, 1), spacing="trailing", **options):
    """Sample from N(MEAN, STD^2) with the exact denoiser."""
    options = {"micro_batch": 4, **options}
    return sample(
        options.pop("denoise", gaussian_denoiser(schedule, MEAN, STD)),
        schedule,
        sampler,
        timesteps=spaced_timesteps(schedule.noise_steps, steps, spacing),
        key=jax.random.key(1),
        n_samples=n_samples,
        image_shape=shape,
        **options,
    )


def keys(n_samples, seed=0):
    return jax.random.split(jax.random.key(seed), n_samples)


def one_step(sampler, schedule, t=500, s=480, seed=0, prediction=None):
    """Take two samples from t to s, as a REPL would: with a lambda for the denoiser."""
    x_t = jnp.linspace(-2, 2, 32).reshape(2, 4, 4, 1)
    if prediction is None:
        prediction = Prediction(x_t[::-1] / 2, jnp.linspace(-1, 1.5, 32).reshape(x_t.shape))
    memory = sampler.init(x_t, {})
    return sampler.step(lambda x, t: prediction, schedule, x_t, t, s, keys(2, seed), memory)


def test_every_sampler_has_a_row():
    assert {type(sampler) for sampler in VARIANTS} == {sampler_class(name) for name in names()}


@pytest.mark.parametrize("sampler", VARIANTS, ids=repr)
class TestContract:
    """What is true of every sampler."""

    def test_frozen_hashable_and_equal_by_value(self, sampler):
        assert sampler == dataclasses.replace(sampler)
        assert hash(sampler) == hash(dataclasses.replace(sampler))
        with pytest.raises(dataclasses.FrozenInstanceError):
            sampler.eta = 0.5

    def test_same_keys_same_step(self, sampler, schedule):
        step = one_step(sampler, schedule)
        assert step.x.shape == (2, 4, 4, 1) and step.x.dtype == jnp.float32
        np.testing.assert_array_equal(step.x, one_step(sampler, schedule).x)

    def test_the_step_says_what_was_predicted(self, sampler, schedule):
        said = Prediction(jnp.full((2, 4, 4, 1), 0.5), jnp.ones((2, 4, 4, 1)))
        assert one_step(sampler, schedule, prediction=said).prediction is said

    def test_memory_keeps_its_structure_and_the_samples_first(self, sampler, schedule):
        before = sampler.init(jnp.zeros((2, 4, 4, 1)), {})
        after = one_step(sampler, schedule).memory
        assert jax.tree.structure(before) == jax.tree.structure(after)
        for old, new in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
            assert old.shape == new.shape and old.dtype == new.dtype and new.shape[0] == 2

    def test_only_noise_depends_on_the_keys(self, sampler, schedule):
        same = np.array_equal(one_step(sampler, schedule).x, one_step(sampler, schedule, seed=1).x)
        assert same == (sampler not in NOISY)

    def test_jit_is_eager(self, sampler, schedule):
        jitted = jax.jit(lambda t, s: one_step(sampler, schedule, t, s).x)(500, 480)
        np.testing.assert_allclose(jitted, one_step(sampler, schedule).x, rtol=1e-5, atol=2e-6)

    def test_step_to_the_data_is_the_prediction_without_noise(self, sampler, schedule):
        for t in (0, 19, 999):
            step = one_step(sampler, schedule, t, -1)
            np.testing.assert_allclose(step.x, step.prediction.x_0, rtol=2e-5)

    @pytest.mark.parametrize("steps", [1, 2, 7])
    def test_few_steps_stay_finite_and_in_the_range_of_clipped_images(
        self, sampler, schedule, steps
    ):
        images = draw(schedule, sampler, steps, denoise=clipped(schedule)).images
        assert np.isfinite(images).all()
        if not isinstance(sampler, DPMSolver | UniPC):  # these go beyond their predictions
            assert np.abs(images).max() <= 1

    def test_data_that_is_one_point_is_found(self, sampler, schedule):
        """Whatever the noise, the last prediction is that point."""
        x_0 = jnp.linspace(-1, 1, 16).reshape(4, 4, 1)
        denoise = clipped(schedule, x_0, 0.0)
        for image in draw(schedule, sampler, 10, n_samples=2, denoise=denoise).images:
            np.testing.assert_allclose(image, x_0, atol=1e-4)

    def test_sample_i_does_not_depend_on_the_others(self, sampler, schedule):
        alone, some, among = (
            draw(schedule, sampler, 3, n_samples=n, denoise=clipped(schedule)).images
            for n in (1, 7, 11)
        )
        np.testing.assert_array_equal(alone[0], among[0])
        np.testing.assert_array_equal(some, among[:7])

    @pytest.mark.parametrize("schedule_name", ["cosine", "sigmoid"])
    def test_hard_schedules_give_no_nan(self, sampler, schedule_name):
        schedule = make_schedule(DiffusionConfig(beta_schedule=schedule_name))
        for steps in (1, 100):
            images = draw(schedule, sampler, steps, denoise=clipped(schedule)).images
            assert np.isfinite(images).all()

    def test_unknown_knobs_are_refused(self, sampler):
        with pytest.raises(InputError, match="etta"):
            type(sampler)(etta=0.5)


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
@pytest.mark.parametrize("steps", [1, 3, 20, 50, 333, 1000])
def test_ddim_is_the_affine_map_of_gaussian_data(schedule, steps, spacing):
    slope, offset, _ = affine(spaced_timesteps(1000, steps, spacing))
    images = draw(schedule, DDIM(), steps, spacing=spacing).images
    np.testing.assert_allclose(images, slope * x_T(4) + offset, atol=2e-4)


def exact_flow(start, end):
    """Carry x_T (t = start) to t = end along the exact flow of Gaussian data: quantiles stay."""
    moments = []
    for t in (start, end):
        a = ALPHA_BAR[t]
        moments.append((np.sqrt(a) * MEAN, np.sqrt(a * STD**2 + 1 - a)))
    (mean_0, std_0), (mean_1, std_1) = moments
    return mean_1 + std_1 * (x_T(4) - mean_0) / std_0


def test_error_of_ddim_falls_with_the_first_power_of_the_step(schedule):
    errors = [
        np.abs(draw(schedule, DDIM(), steps).images - exact_flow(999, -1)).mean()
        for steps in (25, 50, 100, 200)
    ]
    rates = -np.diff(np.log(errors)) / np.log(2)
    assert ((rates > 0.8) & (rates < 1.3)).all(), rates


@pytest.mark.parametrize("steps", [3, 5, 10, 25])
@pytest.mark.parametrize("sampler", [DDIM(), Heun(), DPMSolver(), UniPC()], ids=repr)
def test_from_next_to_pure_noise_chains_end_at_the_data(sampler, steps):
    """The cosine schedule ends at sigma / alpha = 20,000, and falls to some tens in one step."""
    schedule = make_schedule(DiffusionConfig(beta_schedule="cosine"))
    noise = x_T(4)  # which is x at t = 999, where nothing of the data is left
    images = draw(schedule, sampler, steps).images
    assert np.abs(images - (MEAN + STD * noise)).max() < 2 * STD


@pytest.mark.parametrize("sampler", [Heun(), DPMSolver()], ids=repr)
def test_two_evaluations_or_a_memory_make_it_the_second_power(schedule, sampler):
    """What a step asks twice, and what it is told by the last one, arrives: a sixteenth is due.

    At even steps of lambda, from t = 999 to t = 20; integer times are near to that.
    """
    lam = np.log(ALPHA_BAR[:-1] / (1 - ALPHA_BAR[:-1])) / 2
    errors = []
    for steps in (8, 32):
        even = np.linspace(lam[999], lam[20], steps + 1)
        times = [int(np.abs(lam - each).argmin()) for each in even]
        images = sample(
            gaussian_denoiser(schedule, MEAN, STD),
            schedule,
            sampler,
            timesteps=times[:-1],
            end=times[-1],
            key=jax.random.key(1),
            n_samples=4,
            image_shape=(4, 4, 1),
        ).images
        errors.append(np.abs(images - exact_flow(999, 20)).mean())
    assert errors[1] < errors[0] / 10, errors  # the first power would give a quarter


def test_ddpm_1000_recovers_mean_and_variance(schedule):
    images = draw(schedule, DDPM(), 1000, n_samples=64, shape=(16, 16, 1), micro_batch=64).images
    n = images.size
    assert abs(images.mean() - MEAN) < 4 * STD / np.sqrt(n)
    _, offset, variance = affine(np.arange(1000)[::-1], eta=1.0)
    assert offset == pytest.approx(MEAN, abs=1e-3)
    assert variance == pytest.approx(STD**2, rel=0.03)  # the error of 1000 steps
    assert abs(images.var() / variance - 1) < 4 * np.sqrt(2 / n)


def many_steps(sampler, schedule, x_t, eps, t, s):
    """Take the same x_t with the same eps 200 000 times, each with a key of its own."""
    x = jnp.full((200_000, 1), x_t)
    a = ALPHA_BAR[t]
    said = Prediction((x - np.sqrt(1 - a) * eps) / np.sqrt(a), 0 * x + eps)
    step = sampler.step(lambda x, t: said, schedule, x, t, s, keys(len(x), 2), memory=())
    return np.asarray(step.x, np.float64)


@pytest.mark.parametrize(
    ("t", "s"), [(999, 998), (999, 500), (999, 0), (500, 480), (1, 0), (0, -1)]
)
def test_ddim_at_eta_1_draws_from_the_exact_posterior(schedule, t, s):
    """Mean and variance in float64, from Bayes' rule for Gaussians: precisions add."""
    a_t, a_s = ALPHA_BAR[t], ALPHA_BAR[s]
    x_t, eps = 0.8, 0.4
    x_0 = (x_t - np.sqrt(1 - a_t) * eps) / np.sqrt(a_t)
    drawn = many_steps(DDIM(eta=1.0), schedule, x_t, eps, t, s)
    if s < 0:
        np.testing.assert_allclose(drawn, x_0, rtol=1e-5)
        return
    ratio = a_t / a_s
    precision = ratio / (1 - ratio) + 1 / (1 - a_s)
    mean = (np.sqrt(ratio) * x_t / (1 - ratio) + np.sqrt(a_s) * x_0 / (1 - a_s)) / precision
    z = (drawn - mean) * np.sqrt(precision)
    # z is standard normal: four standard errors
    assert abs(z.mean()) < 4 / np.sqrt(z.size) + 1e-3
    assert abs(z.var() - 1) < 4 * np.sqrt(2 / z.size)


def test_ddpm_is_ddim_at_eta_1(schedule):
    small = draw(schedule, DDPM(), 20, denoise=clipped(schedule)).images
    images = draw(schedule, DDIM(eta=1.0), 20, denoise=clipped(schedule)).images
    np.testing.assert_allclose(images, small, atol=2e-5)


def test_large_variance_is_beta(schedule):
    drawn = many_steps(DDPM(variance="large"), schedule, 0.0, 0.0, 500, 480)
    beta = 1 - ALPHA_BAR[500] / ALPHA_BAR[480]
    assert drawn.var() == pytest.approx(beta, rel=4 * np.sqrt(2 / 200_000))


# The linear path of flow matching: alpha = 1 - time, sigma = time.

TIME = np.arange(1, 101) / 100


@pytest.fixture
def linear_path():
    return schedule_from_rates(1 - TIME, TIME)


def test_ddim_on_the_linear_path_is_eulers_method(linear_path):
    """x_s = x_t + (time_s - time_t) u, of which u = eps - x_0 is the velocity."""
    for t, s in ((99, 60), (60, 3), (3, -1)):
        x_t = jnp.linspace(-2, 2, 32).reshape(2, 4, 4, 1)
        x_0, eps = said = gaussian_denoiser(linear_path, MEAN, STD)(x_t, t, {})
        step = DDIM().step(lambda x, t: said, linear_path, x_t, t, s, keys(2), memory=())  # noqa: B023
        time_t, time_s = (t + 1) / 100, (s + 1) / 100
        np.testing.assert_allclose(step.x, x_t + (time_s - time_t) * (eps - x_0), atol=1e-6)


@pytest.mark.parametrize("sampler", [DDIM(), Heun(), DPMSolver(), UniPC()], ids=repr)
def test_the_exact_velocity_gives_the_exact_transport(sampler):
    """The flow of Gaussian data keeps quantiles, and begins at pure noise: x = mean + std x_T."""
    errors = []
    for steps in (20, 100):
        time = np.arange(1, steps + 1) / steps
        schedule = schedule_from_rates(1 - time, time)
        kept = draw(schedule, sampler, steps, snapshots=[0])
        errors.append(np.abs(kept.images - (MEAN + STD * kept.snapshots[0])).max())
    assert errors[1] < errors[0] / 2 and errors[1] < 0.02, errors


@pytest.mark.parametrize("sampler", VARIANTS, ids=repr)
def test_every_sampler_ends_at_the_image_on_the_linear_path(linear_path, sampler):
    x_0 = jnp.linspace(-1, 1, 16).reshape(4, 4, 1)
    denoise = gaussian_denoiser(linear_path, x_0, 0.0)
    drawn = draw(linear_path, sampler, 7, denoise=denoise, snapshots=range(8))
    assert np.isfinite(drawn.snapshots).all()
    np.testing.assert_allclose(drawn.images, np.broadcast_to(x_0, (4, 4, 4, 1)), atol=1e-5)


def test_inversion_walks_upwards_and_comes_back(schedule):
    """Times that rise, from images: noise of which DDIM makes the same images."""
    images = np.random.default_rng(0).normal(MEAN, STD, (3, 4, 4, 1)).astype(np.float32)
    times = spaced_timesteps(1000, 200)
    shared = {"key": jax.random.key(0), "n_samples": 3, "image_shape": (4, 4, 1)}
    denoise = gaussian_denoiser(schedule, MEAN, STD)
    rising = [-1, *times[:0:-1]]
    noise = sample(
        denoise, schedule, Inversion(), timesteps=rising, end=999, start=images, **shared
    )
    assert noise.nfe == 200 and noise.timesteps.tolist() == rising
    # By the exact flow pure noise has the quantiles of the data.
    assert np.abs(noise.images - (images - MEAN) / STD).max() < 0.3
    back = sample(denoise, schedule, DDIM(), timesteps=times, start=noise.images, **shared)
    np.testing.assert_allclose(back.images, images, atol=0.05)


def test_ddim_settings_have_bounds():
    for eta in (-0.1, 1.1, float("nan"), True, "1"):
        with pytest.raises(InputError, match="eta"):
            DDIM(eta=eta)


def test_names():
    assert sampler_class("ddim") is DDIM and {"ddim", "ddpm"} <= set(names())
    with pytest.raises(InputError, match="choose one of ddim, ddpm"):
        sampler_class("dpm")
    with pytest.raises(AttributeError):
        sfumato.samplers.EDM  # noqa: B018


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("DDIM", "ddim"), ("DDPMScheduler", "ddpm"), ("uni_pc", "unipc"), ("dpmpp_2m", "dpm_solver")]
    + [("DPMSolverMultistepScheduler", "dpm_solver"), ("HeunDiscreteScheduler", "heun")],
)
def test_what_another_library_calls_a_sampler(theirs, ours):
    with pytest.raises(InputError, match=f"'{theirs}' is not known, did you mean '{ours}'"):
        sampler_class(theirs)
