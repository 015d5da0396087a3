"""Inpainting: what is known comes back to the bit, and the rest comes to agree with it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import slow, some_quick
from gaussian import conditional, draw, exact_denoiser, walks
from oracles import Counting

from sfumato.errors import InputError
from sfumato.samplers import names as sampler_names
from sfumato.sampling.batches import sample
from sfumato.sampling.chain import run_chain

pytestmark = pytest.mark.quick_compile

MEAN, COVARIANCE = np.array([0.3, -0.2]), np.array([[0.25, 0.2], [0.2, 0.25]])
SEEN = 0.8


def images(n, shape=(2, 1, 1)):
    return np.full((n, *shape), SEEN, np.float32)


@pytest.fixture
def denoise(schedule):
    return exact_denoiser(schedule, MEAN, COVARIANCE)


def test_the_error_falls_with_the_visits_to_a_floor(denoise, schedule):
    """Of two pixels of covariance 0.2 one is known; the law of the other is N(0.2, 0.3^2).

    One visit hardly tells it what its neighbour is. The floor is that of 50 steps, below 0.045.
    """
    (mean,), ((variance,),) = conditional(MEAN, COVARIANCE, [0], np.array([SEEN]))
    assert (round(mean, 6), round(variance, 6)) == (0.2, 0.09)
    errors = []
    for resample in (1, 16):
        edit = {"kind": "inpaint", "resample": resample}
        made = walks(denoise, schedule, edit, {"images": images(1000)}, n=1000, sampler="ddpm")
        drawn = draw(made)[0].images
        assert (drawn[:, 0] == np.float32(SEEN)).all()
        errors.append(abs(drawn[:, 1].mean() - mean))
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 0.12 and errors[-1] < 0.045


@pytest.mark.parametrize("sampler", some_quick(sampler_names(), lambda name: name == "unipc"))
def test_every_sampler_can_be_resampled(sampler, denoise, schedule):
    edit = {"kind": "inpaint", "resample": 10}
    made = walks(denoise, schedule, edit, {"images": images(1000)}, n=1000, sampler=sampler)
    drawn = draw(made)[0].images
    assert (drawn[:, 0] == np.float32(SEEN)).all()
    assert abs(drawn[:, 1].mean() - 0.2) < 0.07 and abs(drawn[:, 1].std() - 0.3) < 0.07


@pytest.mark.parametrize("sampler", ["heun", slow("ddim")])
def test_evaluations_are_counted(sampler, denoise, schedule):
    """Each step is taken three times, the last one once."""
    edit = {"kind": "inpaint", "resample": 3}
    arrays = {"images": images(2)}
    made = walks(denoise, schedule, edit, arrays, n=2, sampler=sampler, steps=2)
    counting, (walk,) = Counting(denoise), made.walks
    given, _ = made.begin(range(2), {})
    with jax.disable_jit():
        keys, x = jax.random.split(jax.random.key(0), 2), jnp.zeros((2, 2, 1, 1))
        chain = {"times": walk.times.tolist(), "keys": keys, "x": x, "given": given}
        run_chain(counting, schedule, walk.sampler, **chain)
    assert made.nfe == len(counting.times) == {"ddim": 4, "heun": 7}[sampler]


def test_where_nothing_is_known_it_is_a_plain_sample(denoise, schedule):
    """The first visit of a step draws the noise that a plain step draws."""
    arrays = {"images": images(3), "mask": np.zeros((1, 2, 1, 1), bool)}
    edit = {"kind": "inpaint", "resample": 1}
    made = walks(denoise, schedule, edit, arrays, n=3, sampler="ddpm", steps=5)
    plain = sample(
        denoise,
        schedule,
        made.config.sampler,
        **{"timesteps": made.timesteps, "key": made.key, "n_samples": 3, "image_shape": (2, 1, 1)},
    )
    np.testing.assert_allclose(draw(made)[0].images, plain.images, atol=1e-6)


def test_sample_i_is_the_same_alone_and_among_eight(schedule):
    shape = (4, 4, 1)
    denoise = exact_denoiser(schedule, np.zeros(16), np.eye(16) / 4 + 0.1)
    edit = {"kind": "inpaint", "mask": {"random": 0.4}, "resample": 2}
    arrays = {"images": np.random.default_rng(0).uniform(-1, 1, (8, *shape)).astype(np.float32)}
    made = walks(denoise, schedule, edit, arrays, n=8, shape=shape, steps=5, sampler="ddpm")
    among, given = draw(made, micro_batch=2)
    masks = given["mask"]
    assert (masks[0] != masks[1]).any() and 0.2 < masks.mean() < 0.6
    alone, shown = draw(made, range(5, 6), micro_batch=2)
    np.testing.assert_array_equal(alone.images[0], among.images[5])
    np.testing.assert_array_equal(shown["mask"][0], masks[5])
    known = masks.astype(bool)
    np.testing.assert_array_equal(among.images[..., 0][known], arrays["images"][..., 0][known])
    assert (given["known"][..., 0][~known] == 0).all()


MASKS = {
    "half": ["1111", "1111", "0000", "0000"],
    "box": ["1111", "1001", "1001", "1111"],
}


@pytest.mark.parametrize("mask", MASKS)
def test_masks(mask, schedule):
    denoise = exact_denoiser(schedule, np.zeros(16), np.eye(16))
    edit = {"kind": "inpaint", "mask": mask, "resample": 1, "image": 2}
    arrays = {"images": np.stack([np.full((4, 4, 1), i / 4, np.float32) for i in range(3)])}
    made = walks(denoise, schedule, edit, arrays, n=2, shape=(4, 4, 1), steps=2)
    drawn, shown = draw(made)
    found = [["".join(str(int(pixel)) for pixel in row) for row in each] for each in shown["mask"]]
    assert found == [MASKS[mask]] * 2
    known = shown["mask"].astype(bool)
    assert (drawn.images[..., 0][known] == 0.5).all()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"mask": "hlaf"}, "edit.mask: 'hlaf' must be half, box, {random: SHARE} or {file: PIC"),
        ({"mask": {"random": 1}}, "edit.mask: {'random': 1} asks for a share of known pixels that"),
        ({"mask": {"random": "0.5"}}, "edit.mask: {'random': '0.5'} asks for a share"),
        ({"mask": {"random": 0.5, "file": "a"}}, "must be half, box"),
        ({"mask": None}, "edit.mask: null must be half, box"),
        ({"resample": 0}, "edit.resample: 0 must be at least 1"),
        ({"resample": 1.5}, "edit.resample: 1.5 must be a whole number"),
        ({"image": -1}, "edit.image: -1 must be at least 0"),
        ({"masc": "half"}, "edit.masc: unknown key (its value: 'half'); did you mean 'mask'?"),
    ],
    ids=str,
)
def test_knobs_that_are_wrong(edit, said, denoise, schedule):
    with pytest.raises(InputError) as caught:
        walks(denoise, schedule, {"kind": "inpaint", **edit}, {})
    assert said in str(caught.value) and "\n" not in str(caught.value)
