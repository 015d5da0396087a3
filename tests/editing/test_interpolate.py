"""Interpolation: the ends, the sphere between them, and the samples that lie there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gaussian import draw, exact_denoiser, walks

from sfumato.compute.randomness import keys_at, normal, sample_keys
from sfumato.editing.interpolate import slerp
from sfumato.errors import InputError
from sfumato.sampling.batches import sample

pytestmark = pytest.mark.quick_compile

SHAPE = (4, 4, 1)


@pytest.fixture
def denoise(schedule):
    return exact_denoiser(schedule, np.zeros(16), np.eye(16) / 4 + 0.1)


def test_slerp_keeps_the_law_of_the_norm():
    """Of noise in d dimensions the squared norm is d on average, with variance 2 d.

    Between two of them the variance is smaller: the norm of each has a part in it.
    """
    x, y = jax.random.normal(jax.random.key(0), (2, 4000, 16, 1, 1))
    for fraction in (0.0, 0.25, 0.5, 0.9, 1.0):
        between = slerp(x, y, jnp.full(4000, fraction))
        squared = (between**2).sum((1, 2, 3))
        assert abs(squared.mean() - 16) < 0.4 and 14 < squared.var() < 36
    straight = (((x + y) / 2) ** 2).sum((1, 2, 3))
    assert abs(straight.mean() - 8) < 0.3


def test_slerp_in_the_plane():
    """From one axis to another the way is the quarter of a circle, at equal angles."""
    x, y = jnp.zeros((5, 2)).at[:, 0].set(2.0), jnp.zeros((5, 2)).at[:, 1].set(2.0)
    fractions = np.linspace(0, 1, 5)
    angles = np.pi / 2 * fractions
    expected = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    np.testing.assert_allclose(slerp(x, y, jnp.linspace(0, 1, 5)), expected, atol=1e-6)
    for angle in (1e-3, 1.0, 3.0, np.pi - 0.01, np.pi - 2e-3):  # nearly opposite, too
        y = 2 * jnp.array([[np.cos(angle), np.sin(angle)]] * 5)
        expected = 2 * np.stack([np.cos(angle * fractions), np.sin(angle * fractions)], axis=1)
        np.testing.assert_allclose(slerp(x, y, jnp.asarray(fractions)), expected, atol=5e-4)
    same = slerp(x, x, jnp.linspace(0, 1, 5))
    np.testing.assert_allclose(same, x, atol=1e-6)


def test_the_ends_are_the_samples_themselves(denoise, schedule):
    edit = {"kind": "interpolate", "first": 3, "second": 1}
    made = walks(denoise, schedule, edit, {}, n=5, shape=SHAPE, steps=10)
    drawn, shown = draw(made, micro_batch=2)
    plain = sample(
        denoise,
        schedule,
        made.config.sampler,
        **{"timesteps": made.timesteps, "key": made.key, "n_samples": 4, "image_shape": SHAPE},
        micro_batch=2,
    )
    np.testing.assert_allclose(drawn.images[0], plain.images[3], atol=1e-6)
    np.testing.assert_allclose(drawn.images[-1], plain.images[1], atol=1e-6)
    np.testing.assert_allclose(shown["fraction"], [0, 0.25, 0.5, 0.75, 1])
    alone, _ = draw(made, range(2, 3), micro_batch=2)
    np.testing.assert_array_equal(alone.images[0], drawn.images[2])


@pytest.mark.slow
def test_the_noise_of_the_ends_is_that_of_plain_samples(denoise, schedule):
    edit = {"kind": "interpolate", "first": 3, "second": 1}
    made = walks(denoise, schedule, edit, {}, n=2, shape=SHAPE, steps=3)
    given, _ = made.begin(range(2), {}, micro_batch=2)
    (batch,) = made.end(range(2), given, micro_batch=2, snapshots=[0])
    keys = keys_at(sample_keys(made.key, jnp.array([3, 1])), schedule.noise_steps)
    expected = normal(keys, jnp.zeros((2, *SHAPE)))
    np.testing.assert_allclose(batch.snapshots[0], expected, atol=1e-5)


def test_between_two_images(denoise, schedule):
    """The ends are the images again, up to the error of inversion; the way has no jump."""
    rng = np.random.default_rng(0)
    arrays = {"images": rng.normal(0, 0.5, (3, *SHAPE)).astype(np.float32)}
    edit = {"kind": "interpolate", "between": "images", "first": 2, "second": 0}
    made = walks(denoise, schedule, edit, arrays, n=9, shape=SHAPE, steps=100)
    drawn, shown = draw(made)
    assert made.nfe == 300
    for end, image in ((0, 2), (-1, 0)):
        np.testing.assert_allclose(drawn.images[end], arrays["images"][image], atol=0.05)
    steps = np.abs(np.diff(drawn.images, axis=0)).mean((1, 2, 3))
    assert steps.max() < 2 * steps.min()
    np.testing.assert_array_equal(shown["first"][4], arrays["images"][2])


@pytest.mark.parametrize(
    ("edit", "entry", "said"),
    [
        ({"first": 1}, {}, "edit.second: 1 is edit.first too, and nothing lies between"),
        ({"between": "images", "second": 9}, {}, "edit.second: 9 must be less than 3, the number"),
        ({"between": "images"}, {"clip": True}, "clip: must be false: what is clipped"),
        ({"between": "images"}, {"sampler": "unipc"}, "sampler: must be ddim, with eta 0"),
    ],
)
def test_what_does_not_fit(edit, entry, said, denoise, schedule):
    arrays = {"images": np.zeros((3, *SHAPE), np.float32)}
    made = walks(denoise, schedule, {"kind": "interpolate", **edit}, arrays, shape=SHAPE, **entry)
    with pytest.raises(InputError) as caught:
        made.walks  # noqa: B018
    assert said in str(caught.value)


@pytest.mark.parametrize("knob", [{"between": "noise"}, {"first": -1}, {"second": 2**31}])
def test_knobs_that_are_wrong(knob, denoise, schedule):
    with pytest.raises(InputError, match=f"edit.{next(iter(knob))}: "):
        walks(denoise, schedule, {"kind": "interpolate", **knob}, {})
