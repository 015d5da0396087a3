"""Variations: how much of an image is left, and where the chain starts."""

import numpy as np
import pytest
from gaussian import draw, exact_denoiser, walks

from sfumato.errors import InputError
from sfumato.sampling.batches import sample

pytestmark = pytest.mark.quick_compile

SHAPE = (2, 2, 1)


@pytest.fixture
def denoise(schedule):
    return exact_denoiser(schedule, np.full(4, 0.1), 0.2 * np.eye(4) + 0.05)


def varied(denoise, schedule, strength, n=2, **entry):
    arrays = {"images": np.full((1, *SHAPE), 0.9, np.float32)}
    edit = {"kind": "vary", "strength": strength, "image": 0}
    return walks(denoise, schedule, edit, arrays, n=n, shape=SHAPE, **entry)


def test_the_more_is_drawn_anew_the_less_is_left(denoise, schedule):
    """From the image, 0.9, to the mean of the data, 0.1."""
    means = []
    for strength in (0.1, 0.5, 1.0):
        means.append(draw(varied(denoise, schedule, strength, n=500))[0].images.mean())
    assert means == sorted(means, reverse=True)
    assert means[0] > 0.75 and abs(means[-1] - 0.1) < 0.05


def test_strength_one_is_a_plain_sample(denoise, schedule):
    made = varied(denoise, schedule, 1, sampler="ddpm", steps=5)
    plain = sample(
        denoise,
        schedule,
        made.config.sampler,
        **{"timesteps": made.timesteps, "key": made.key, "n_samples": 2, "image_shape": SHAPE},
        micro_batch=2,
    )
    np.testing.assert_array_equal(draw(made)[0].images, plain.images)


@pytest.mark.slow
def test_every_strength_begins_with_the_noise_of_a_plain_sample(denoise, schedule):
    """x_t - alpha_t x_0 is sigma_t x_T, read off the chain's first state."""
    states = []
    for strength in (0.2, 0.6):
        made = varied(denoise, schedule, strength, steps=10)
        given, _ = made.begin(range(2), {}, micro_batch=2)
        (batch,) = made.end(range(2), given, micro_batch=2, snapshots=[0])
        t = int(made.timesteps[0])
        x_t = batch.snapshots[0]
        states.append((x_t - schedule.alpha(t) * 0.9) / schedule.sigma(t))
    plain = varied(denoise, schedule, 1, steps=10)
    (batch,) = plain.end(range(2), {}, micro_batch=2, snapshots=[0])
    for state in states:
        np.testing.assert_allclose(state, batch.snapshots[0], atol=1e-4)


@pytest.mark.parametrize(
    ("strength", "steps", "expected"),
    [(0.6, 50, 599), (0.595, 50, 579), (0.02, 50, 19), (0.6, 1000, 599), (1.0, 50, 999)],
)
def test_where_the_chain_starts(strength, steps, expected, denoise, schedule):
    """The largest time visited that is at most strength T - 1; others are not respaced."""
    made = varied(denoise, schedule, strength, steps=steps)
    assert made.timesteps[0] == expected
    assert set(np.diff(made.timesteps)) <= {-1000 // steps}


def test_too_little_strength_is_refused(denoise, schedule):
    with pytest.raises(InputError, match="strength: 0.01 starts below time 19.*at least 0.02"):
        varied(denoise, schedule, 0.01).walks  # noqa: B018
