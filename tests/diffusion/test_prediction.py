"""The four ways to say what x_t is made of, against one another and against their papers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.forward import forward
from sfumato.diffusion.prediction import (
    KINDS,
    Prediction,
    as_pytree,
    cost,
    from_x_0,
    prediction_of,
    target_of,
    x_0_gain,
)
from sfumato.diffusion.schedule import make_schedule, schedule_from_rates

pytestmark = pytest.mark.quick_compile

TIMES = [0, 1, 250, 500, 999]
TIME = np.arange(1, 1001) / 1000


@pytest.fixture(params=["linear betas", "linear path"])
def filled(request):
    """Return a schedule, and its alpha and sigma at TIMES in float64."""
    if request.param == "linear path":
        schedule = schedule_from_rates(1 - TIME, TIME)
        return schedule, 1 - TIME[TIMES], TIME[TIMES]
    alpha_bar = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))[TIMES]
    return make_schedule(DiffusionConfig()), np.sqrt(alpha_bar), np.sqrt(1 - alpha_bar)


@pytest.fixture
def batch():
    """Return x_0 and eps of five images, one for each of TIMES."""
    keys = jax.random.split(jax.random.key(0))
    shape = (len(TIMES), 4, 3, 2)
    x_0 = jax.random.uniform(keys[0], shape, minval=-1, maxval=1)
    return x_0, jax.random.normal(keys[1], shape)


def published(kind, alpha, sigma, x_0, eps):
    """Return the output in float64: Salimans and Ho for v, Lipman et al. for u."""
    alpha, sigma = (np.reshape(rate, (-1, 1, 1, 1)) for rate in (alpha, sigma))
    x_0, eps = np.float64(x_0), np.float64(eps)
    velocity = {"v": alpha * eps - sigma * x_0, "u": eps - x_0}
    return {"epsilon": eps, "x_0": x_0, **velocity}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_predicted_does_not_matter(filled, batch, kind):
    (schedule, alpha, sigma), (x_0, eps), t = filled, batch, jnp.array(TIMES)
    x_t = forward(schedule, x_0, eps, t)
    output = published(kind, alpha, sigma, x_0, eps)
    np.testing.assert_allclose(target_of(kind, schedule, x_0, eps, t), output, atol=1e-6)
    said = prediction_of(kind, schedule, x_t, jnp.float32(output), t)
    # at t = 0 the noise is 1e-3 of x_t or more, and float32 keeps 1e-7 of that
    np.testing.assert_allclose(said.eps, eps, atol=3e-4)
    if kind == "epsilon":  # x_0 is 6e-3 of x_t or less at t = 999
        said, x_0 = (Prediction(each[:-1], each[:-1]) for each in (said.x_0, x_0))
        np.testing.assert_allclose(said.x_0, x_0.x_0, atol=1e-4)
    else:
        np.testing.assert_allclose(said.x_0, x_0, atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gain_is_how_an_error_grows(filled, batch, kind):
    (schedule, *_), (x_0, eps), t = filled, batch, jnp.array(TIMES[:-1])
    x_0, eps = x_0[:-1], eps[:-1]
    x_t, output = forward(schedule, x_0, eps, t), target_of(kind, schedule, x_0, eps, t)
    wrong = prediction_of(kind, schedule, x_t, output + 0.5, t).x_0
    right = prediction_of(kind, schedule, x_t, output, t).x_0
    error = np.abs(wrong - right).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(x_0_gain(kind, schedule, t), 2 * error, rtol=2e-4)


def test_noise_that_belongs_to_an_image_makes_up_x_t(filled, batch):
    schedule, (x_0, eps), t = filled[0], batch, jnp.array(TIMES)
    said = from_x_0(schedule, 3 * eps, x_0, t)
    np.testing.assert_allclose(forward(schedule, *said, t), 3 * eps, rtol=1e-5, atol=1e-6)


class Twice:
    """A denoiser whose calls cost two evaluations, late ones."""

    def __call__(self, x_t, t, given):
        return Prediction(x_t, x_t)

    def cost(self, t):
        return 2 if t > 10 else 1


def test_the_cost_of_a_call_is_what_the_denoiser_says():
    assert cost(lambda x_t, t, given: Prediction(x_t, x_t), 5) == 1
    for denoise in (Twice(), as_pytree(Twice())):
        assert (cost(denoise, 5), cost(denoise, 50)) == (1, 2)
