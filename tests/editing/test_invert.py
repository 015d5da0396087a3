"""Inversion: the noise of an image, and the image again."""

import jax.numpy as jnp
import numpy as np
import pytest
from gaussian import draw, exact_denoiser, walks

from sfumato.diffusion.prediction import prediction_of

pytestmark = pytest.mark.quick_compile

SHAPE = (2, 2, 1)


def images(n, shape=SHAPE):
    return np.random.default_rng(0).normal(0.1, 0.5, (n, *shape)).astype(np.float32)


@pytest.fixture
def denoise(schedule):
    return exact_denoiser(schedule, np.full(4, 0.1), 0.2 * np.eye(4) + 0.05)


def test_the_error_of_a_reconstruction_falls_as_that_of_a_first_order_method(denoise, schedule):
    """As in DDIM's table 2, the mean squared error more than halves when the steps double."""
    errors = []
    for steps in (10, 20, 40):
        made = walks(
            denoise,
            schedule,
            {"kind": "invert"},
            {"images": images(8)},
            n=8,
            shape=SHAPE,
            steps=steps,
        )
        drawn, shown = draw(made)
        assert made.nfe == 2 * steps and shown["noise"].shape == shown["original"].shape
        errors.append(float(((drawn.images - shown["original"]) ** 2).mean()) ** 0.5)
    ratios = np.divide(errors[:-1], errors[1:])
    assert (ratios > 1.5).all() and abs(ratios[-1] - 2) < 0.3


def test_the_noise_is_diffusers_own(schedule):
    """Its test of the inverse scheduler: model(x, t) = x t / (t + 1), 10 steps, mean 0.8746."""

    def denoise(x, t, given):
        t = jnp.asarray(t, jnp.float32)
        return prediction_of("epsilon", schedule, x, x * t / (t + 1), jnp.asarray(t, jnp.int32))

    x = (np.arange(768, dtype=np.float32) / 768).reshape(1, 16, 16, 3)
    chain = {"steps": 10, "spacing": "leading", "n_samples": 1, "shape": (16, 16, 3)}
    made = walks(denoise, schedule, {"kind": "invert"}, {"images": x}, **chain)
    _, shown = draw(made)
    assert round(float(np.abs(shown["noise"]).mean()), 4) == 0.8746


def test_noise_of_exact_data_is_noise(denoise, schedule):
    """Of samples of the prior the noise is standard normal, in mean and covariance."""
    rng = np.random.default_rng(1)
    exact = rng.multivariate_normal(np.full(4, 0.1), 0.2 * np.eye(4) + 0.05, 4000)
    arrays = {"images": exact.reshape(-1, *SHAPE).astype(np.float32)}
    made = walks(denoise, schedule, {"kind": "invert"}, arrays, n=4000, shape=SHAPE, steps=200)
    found = draw(made)[1]["noise"].reshape(-1, 4)
    np.testing.assert_allclose(found.mean(0), 0, atol=0.06)
    np.testing.assert_allclose(np.cov(found.T), np.eye(4), atol=0.08)


def test_sample_i_is_the_same_alone_and_among_eight(denoise, schedule):
    arrays = {"images": images(8)}
    edit, chain = {"kind": "invert"}, {"n": 8, "shape": SHAPE, "steps": 5}
    made = walks(denoise, schedule, edit, arrays, **chain)
    among, shown = draw(made, micro_batch=2)
    alone, own = draw(made, range(5, 6), micro_batch=2)
    np.testing.assert_array_equal(alone.images[0], among.images[5])
    np.testing.assert_array_equal(own["noise"][0], shown["noise"][5])
