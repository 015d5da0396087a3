"""Guidance to a class, and away from a worse network: exact laws of Gaussian data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial
from oracles import gaussian_denoiser

from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.forward import forward
from sfumato.diffusion.prediction import Prediction, from_x_0
from sfumato.diffusion.schedule import make_schedule, schedule_from_rates
from sfumato.diffusion.times import spaced_timesteps
from sfumato.guidance.auto import Auto
from sfumato.guidance.classifier import Classifier
from sfumato.guidance.classifier_free import ClassifierFree, with_contrast_of
from sfumato.samplers import UniPC
from sfumato.sampling.chain import run_chain

pytestmark = pytest.mark.quick_compile

COSINE = make_schedule(DiffusionConfig(beta_schedule="cosine"))
MEAN, V_C, V_U = 0.4, 0.5, 1.0


def of_two_laws(schedule, inside, around):
    """Return the exact denoiser of a class N(inside), and of N(around) without a class.

    Each law is a mean and a standard deviation.
    """
    return Partial(_of_two_laws, schedule, jnp.array(inside), jnp.array(around))


def _of_two_laws(schedule, inside, around, x_t, t, given):
    labels = given.get("labels", jnp.full(len(x_t), -1))
    mean, std = jnp.where(labels[:, None, None] >= 0, inside, around).transpose(2, 0, 1)
    return gaussian_denoiser(schedule, mean, std)(x_t, t, given)


def affine(denoise, steps=100):
    """Return the factor of x_T and the constant in what a chain of UniPC ends with."""
    times = [int(t) for t in spaced_timesteps(1000, steps)] + [-1]
    keys, x = jax.random.split(jax.random.key(0), 2), jnp.array([[0.0], [1.0]])
    given = {"labels": jnp.zeros(2, jnp.int32)}
    end = run_chain(denoise, COSINE, UniPC(), times=times, keys=keys, x=x, given=given).x
    constant, both = np.float64(end[:, 0])
    return both - constant, constant


@pytest.mark.parametrize("w", [0.0, 0.5, 1.0, 2.0, 4.0])
def test_variance_is_a_geometric_mean(w):
    """v_c^w v_u^(1-w): not the tilted law, whose variance is 1/(w/v_c + (1-w)/v_u)."""
    denoise = of_two_laws(COSINE, (0.0, V_C**0.5), (0.0, V_U**0.5))
    factor, constant = affine(ClassifierFree(scale=w)(denoise, COSINE))
    assert factor**2 == pytest.approx(V_C**w * V_U ** (1 - w), rel=0.01)
    assert constant == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("w", [0.0, 1.0, 3.0])
def test_mean_of_equal_variances(w):
    denoise = of_two_laws(COSINE, (MEAN, V_C**0.5), (0.0, V_C**0.5))
    factor, constant = affine(ClassifierFree(scale=w)(denoise, COSINE))
    assert constant == pytest.approx(w * MEAN, abs=1e-3)
    assert factor == pytest.approx(V_C**0.5, rel=0.01)


@pytest.mark.parametrize("w", [0.0, 1.0, 2.5])
def test_autoguidance_goes_away_from_the_worse_law(w):
    """It has the same law: here the worse network takes the data for wider than they are."""
    good, bad = (gaussian_denoiser(COSINE, 0.0, v**0.5) for v in (V_C, V_U))
    factor, _ = affine(Auto(scale=w).using(bad)(good, COSINE))
    assert factor**2 == pytest.approx(V_C**w * V_U ** (1 - w), rel=0.01)


@pytest.mark.parametrize("t", [0, 300, 700, 999])
@pytest.mark.parametrize("guidance", [ClassifierFree(scale=3, rescale=0.7), Classifier(scale=2.0)])
def test_x_t_stays_whole(guidance, t):
    """The guided image and noise make up x_t, as those of a network do."""
    x_t = jax.random.normal(jax.random.key(1), (3, 4))
    denoise = of_two_laws(COSINE, (MEAN, V_C**0.5), (0.0, V_U**0.5))
    if guidance.reads:
        guidance = guidance.using(lambda x, t: jax.nn.log_softmax(jnp.sin(x[:, :3])))
    said = guidance(denoise, COSINE)(x_t, t, {"labels": jnp.arange(3)})
    np.testing.assert_allclose(forward(COSINE, *said, t), x_t, atol=2e-5)


@pytest.mark.parametrize("w", [2.0, 5.0])
def test_rescaling_gives_each_image_the_contrast_of_the_class(w):
    images = jnp.array([[0.5, -0.5, 0.2, 0.1], [0.9, 0.3, -0.8, 0.4], [0.3] * 4])

    def denoise(x_t, t, given):
        sharp = (given["labels"] >= 0)[:, None] * 0.6 + 0.4
        return from_x_0(COSINE, x_t, sharp * jnp.tile(images, (2, 1))[: len(x_t)], t)

    def contrast(phi):
        guided = ClassifierFree(scale=w, rescale=phi)(denoise, COSINE)
        return np.float64(guided(x_t, 500, {"labels": jnp.zeros(3, jnp.int32)}).x_0).std(axis=1)

    x_t = jax.random.normal(jax.random.key(2), (3, 4))
    plain, whole = contrast(0.0), np.float64(images).std(axis=1)
    assert (plain[:2] > 1.5 * whole[:2]).all()
    np.testing.assert_allclose(contrast(1.0), whole, atol=1e-6)
    np.testing.assert_allclose(contrast(0.25), 0.25 * whole + 0.75 * plain, rtol=1e-5, atol=1e-6)


def linear_measurement(schedule, gain, noise, y, std):
    """Return log p(y | x_t) for y = gain x_0 + noise z and x_0 ~ N(0, std^2), as one class."""

    def log_p(x_t, t):
        alpha, sigma = schedule.rates(t, x_t)
        total = alpha**2 * std**2 + sigma**2
        mean, variance = alpha * std**2 / total * x_t, std**2 * sigma**2 / total
        spread = noise**2 + gain**2 * variance
        each = -((y - gain * mean) ** 2) / (2 * spread) - jnp.log(spread) / 2
        return each.sum(axis=1, keepdims=True)

    return Partial(log_p)


@pytest.mark.parametrize("t", [5, 300, 700, 990])
def test_a_classifier_and_bayes_rule(t):
    """With the exact classifier w = 1 is the posterior: of a Gaussian prior a Gaussian, known."""
    std, gain, noise, y = 0.5, 1.5, 0.3, 0.8
    precision = 1 / std**2 + gain**2 / noise**2
    posterior = gaussian_denoiser(COSINE, gain * y / noise**2 / precision, precision**-0.5)
    log_p = linear_measurement(COSINE, gain, noise, y, std)
    guided = Classifier(scale=1.0).using(log_p)(gaussian_denoiser(COSINE, 0.0, std), COSINE)
    x_t = jax.random.normal(jax.random.key(3), (4, 6))
    said = guided(x_t, t, {"labels": jnp.zeros(4, jnp.int32)})
    for ours, exact in zip(said, posterior(x_t, t, {}), strict=True):
        np.testing.assert_allclose(ours, exact, rtol=2e-4, atol=2e-4)


def test_a_classifier_guides_each_sample_by_itself():
    """The sum of log p, not its mean: in a larger batch the pull is as strong."""
    log_p = Partial(lambda x, t: jax.nn.log_softmax(jnp.stack([x.sum(1), (x**2).sum(1)], 1)))
    prior = gaussian_denoiser(COSINE, 0.0, 0.5)
    guided = Classifier(scale=4.0).using(log_p)(prior, COSINE)
    x_t, labels = jax.random.normal(jax.random.key(4), (8, 6)), jnp.array([0, 1] * 4)
    together = guided(x_t, 400, {"labels": labels})
    alone = guided(x_t[3:4], 400, {"labels": labels[3:4]})
    assert np.abs(together.x_0 - prior(x_t, 400, {}).x_0).max() > 0.1
    for all_of_them, one in zip(together, alone, strict=True):
        np.testing.assert_allclose(all_of_them[3:4], one, atol=1e-6)


def test_a_sample_of_no_class_is_not_guided():
    prior = gaussian_denoiser(COSINE, 0.0, 0.5)
    guided = Classifier(scale=4.0).using(lambda x, t: -(x**2))(prior, COSINE)
    x_t = jax.random.normal(jax.random.key(5), (2, 3))
    said, plain = guided(x_t, 400, {"labels": jnp.array([-1, 2])}), prior(x_t, 400, {})
    np.testing.assert_array_equal(said.x_0[0], plain.x_0[0])
    assert np.abs(said.x_0[1] - plain.x_0[1]).max() > 0.1


@pytest.mark.parametrize("guidance", [ClassifierFree(scale=3), Classifier(scale=3), Auto(scale=3)])
def test_nothing_divides_by_an_alpha_of_zero(guidance):
    """The linear path ends in noise, of which x_t says nothing more."""
    time = (np.arange(10) + 1.0) / 10
    schedule = schedule_from_rates(1 - time, time)
    x_t = jax.random.normal(jax.random.key(6), (2, 3))
    if guidance.reads == "classifier":
        guidance = guidance.using(lambda x, t: jax.nn.log_softmax(x))
    elif guidance.reads:
        guidance = guidance.using(lambda x, t, given: from_x_0(schedule, x, 0.1 * x, t))

    def denoise(x, t, given):
        return from_x_0(schedule, x, 0.5 * jnp.ones_like(x), t)

    said = guidance(denoise, schedule)(x_t, 9, {"labels": jnp.array([0, 1])})
    assert np.isfinite(said.x_0).all() and np.isfinite(said.eps).all()
    np.testing.assert_allclose(forward(schedule, *said, 9), x_t, atol=1e-6)


def test_an_image_without_contrast_stays(schedule):
    def flat(x_t, t, given):
        return Prediction(jnp.full_like(x_t, 0.5), x_t)

    guided = ClassifierFree(scale=3, rescale=1)(flat, schedule)
    said = guided(jnp.ones((2, 4)), 500, {"labels": jnp.array([0, 1])})
    np.testing.assert_allclose(said.x_0, np.full((2, 4), 0.5))


@pytest.mark.parametrize("level", [0.4, 0.3, -0.7, 0.5, 1e-3])
def test_a_constant_image_has_no_contrast_to_take_over(level):
    """Rounding gives it a standard deviation, and the ratio of two of these is anything."""
    x = jnp.full((1, 28, 28, 1), level) * jnp.array([1.0, 2.0]).reshape(2, 1, 1, 1)
    np.testing.assert_array_equal(with_contrast_of(3 * x[::-1], x), x)
    waves = x + 1e-3 * abs(level) * jnp.sin(jnp.arange(28.0))[:, None, None]
    contrast = with_contrast_of(2 * waves, waves).std((1, 2, 3)) / waves.std((1, 2, 3))
    np.testing.assert_allclose(contrast, 2, rtol=1e-3)
