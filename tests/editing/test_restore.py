"""Restoration: linear measurements, and samples against the exact posterior of a Gaussian."""

import numpy as np
import pytest
from conftest import slow
from gaussian import draw, exact_denoiser, posterior, walks

from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.schedule import make_schedule
from sfumato.editing._operators import matrix
from sfumato.errors import InputError

pytestmark = pytest.mark.quick_compile

SHAPE, NOISE = (4, 4, 1), 0.1
MEAN = np.full(16, 0.2)
PLACES = np.stack(np.meshgrid(range(4), range(4), indexing="ij"), -1).reshape(16, 2)
AWAY = np.abs(PLACES[:, None] - PLACES[None]).sum(-1)
PRIORS = {"unit": np.eye(16), "smooth": 0.36 * np.exp(-AWAY / 3) + 1e-3 * np.eye(16)}


def whole(kind, amount):
    """Return A as a matrix over all pixels."""
    return np.kron(matrix(kind, amount, 4), matrix(kind, amount, 4))


def restored(schedule, prior, operator, n=400, **entry):
    """Return samples (n, 16), and what they are to agree with: A, y, posterior mean and spread."""
    covariance = PRIORS[prior]
    image = np.random.default_rng(0).multivariate_normal(MEAN, covariance).reshape(1, *SHAPE)
    edit = {"kind": "restore", "operator": operator, "noise": NOISE, "image": 0}
    edit |= entry.pop("edit", {})
    made = walks(
        exact_denoiser(schedule, MEAN, covariance),
        schedule,
        edit,
        {"images": image.astype(np.float32)},
        **{"n": n, "shape": SHAPE, **entry},
    )
    drawn, shown = draw(made)
    y = shown["measured"][0].astype(float)
    if "random" in operator:
        seen = y.ravel() != 0
        a, y = np.eye(16)[seen], y.ravel()[seen]
    else:
        a, y = whole(*next(iter(operator.items()))), y.ravel()
    mean, left = posterior(MEAN, covariance, a, y, NOISE)
    return drawn.images.reshape(n, 16), a, y, mean, np.sqrt(np.diag(left))


@pytest.mark.parametrize(
    ("operator", "sampler"),
    [
        slow({"downsample": 2}, "ddim"),
        ({"blur": 1.0}, "ddim"),
        slow({"random": 0.5}, "unipc"),
        slow({"downsample": 2}, "heun"),
    ],
)
def test_pigdm_finds_the_posterior_of_data_whose_variance_it_knows(operator, sampler, schedule):
    """The mean within 0.2 of its spread, of which 400 samples leave 0.05."""
    drawn, _, _, mean, spread = restored(schedule, "unit", operator, sampler=sampler)
    assert (np.abs(drawn.mean(0) - mean) / spread).max() < 0.2
    assert abs((drawn.std(0) / spread).mean() - 1) < 0.15


def test_pigdm_hears_of_the_measurement_where_x_t_is_pure_noise():
    """A chain of one step from alpha = 0 ends in the mean of the posterior."""
    schedule = make_schedule(DiffusionConfig(path="linear", prediction_type="u"))
    drawn, _, _, mean, _ = restored(schedule, "unit", {"downsample": 2}, n=2, steps=1)
    np.testing.assert_allclose(drawn, [mean] * 2, atol=1e-5)


@pytest.mark.slow
def test_pigdm_is_near_the_posterior_of_smooth_data(schedule):
    drawn, a, y, mean, spread = restored(schedule, "smooth", {"downsample": 2})
    assert (np.abs(drawn.mean(0) - mean) / spread).max() < 0.3
    assert np.sqrt(((drawn @ a.T - y) ** 2).mean()) < 1.2 * NOISE


@pytest.mark.parametrize("operator", [{"downsample": 2}, slow({"random": 0.5})])
def test_dps_fits_what_was_measured_and_stays_near_the_posterior(operator, schedule):
    chain = {"sampler": "ddpm", "steps": 200, "edit": {"method": "dps"}}
    drawn, a, y, mean, spread = restored(schedule, "smooth", operator, **chain)
    before = np.sqrt(((MEAN @ a.T - y) ** 2).mean())
    assert np.sqrt(((drawn @ a.T - y) ** 2).mean()) < before / 1.5
    assert (np.abs(drawn.mean(0) - mean) / spread).max() < 2


def test_the_scale_of_dps_counts(schedule):
    chain = {"sampler": "ddpm", "steps": 5, "n": 2}
    drawn = [
        restored(schedule, "unit", {"downsample": 2}, edit={"method": "dps", "scale": s}, **chain)[
            0
        ]
        for s in (0.1, 0.8)  # of one program
    ]
    assert np.abs(drawn[0] - drawn[1]).max() > 0.01


def test_downsampling_is_the_mean_of_blocks_and_a_blur_keeps_the_sum():
    image = np.random.default_rng(0).normal(size=(8, 8))
    small = matrix("downsample", 4, 8) @ image @ matrix("downsample", 4, 8).T
    np.testing.assert_allclose(small, image.reshape(2, 4, 2, 4).mean((1, 3)))
    blur = matrix("blur", 1.5, 8)
    np.testing.assert_allclose(blur.sum(0), 1, atol=1e-9)
    np.testing.assert_allclose(blur.sum(1), 1)
    spread = (np.arange(41) - 20) ** 2 @ matrix("blur", 2.0, 41)[20]
    assert abs(spread - 4) < 1e-6


@pytest.mark.parametrize(
    "edit",
    [slow({"operator": {"random": 0.5}}), {"method": "dps", "operator": {"blur": 1}}],
)
def test_a_sample_is_the_same_alone_and_among_eight(edit, schedule):
    denoise = exact_denoiser(schedule, MEAN, PRIORS["smooth"])
    arrays = {"images": np.random.default_rng(0).normal(0, 0.5, (8, *SHAPE)).astype(np.float32)}
    chain = {"n": 8, "shape": SHAPE, "sampler": "ddpm", "steps": 5}
    made = walks(denoise, schedule, {"kind": "restore", **edit}, arrays, **chain)
    among, shown = draw(made, micro_batch=2)
    alone, own = draw(made, range(5, 6), micro_batch=2)
    np.testing.assert_array_equal(alone.images[0], among.images[5])
    np.testing.assert_array_equal(own["measured"][0], shown["measured"][5])


def test_samples_of_one_image_share_one_measurement(schedule):
    denoise = exact_denoiser(schedule, MEAN, PRIORS["smooth"])
    arrays = {"images": np.zeros((3, *SHAPE), np.float32)}
    edit = {"kind": "restore", "operator": {"random": 0.5}, "image": 2, "noise": 1}
    shown, each = (
        made.begin(range(3), {})[0]
        for image in (2, None)
        for made in [walks(denoise, schedule, {**edit, "image": image}, arrays, n=3, shape=SHAPE)]
    )
    assert (shown["measured"] == shown["measured"][:1]).all()
    np.testing.assert_array_equal(each["measured"][2], shown["measured"][0])
    assert (each["measured"][0] != each["measured"][1]).any()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            {"operator": {"downsample": 3}},
            "edit.operator: {'downsample': 3} asks for a factor that",
        ),
        ({"operator": {"blur": 0}}, "edit.operator: {'blur': 0} asks for a width that must be gr"),
        ({"operator": {"random": 1}}, "edit.operator: {'random': 1} asks for a share of pixels"),
        (
            {"operator": {"blur": 1, "random": 0.5}},
            "must be {downsample: FACTOR}, {blur: WIDTH} or",
        ),
        ({"operator": "blur"}, "edit.operator: 'blur' must be {downsample: FACTOR}, {blur: WIDTH}"),
        ({"noise": -1}, "edit.noise: -1 must be at least 0"),
        ({"method": "ddrm"}, "edit.method: 'ddrm' must be one of 'pigdm' or 'dps'"),
        ({"scale": 0}, "edit.scale: 0 must be greater than 0"),
    ],
    ids=str,
)
def test_knobs_that_are_wrong(edit, said, schedule):
    with pytest.raises(InputError) as caught:
        walks(None, schedule, {"kind": "restore", **edit}, {})
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("edit", "entry", "said"),
    [
        ({"operator": {"downsample": 8}}, {}, "edit.operator: {'downsample': 8} needs images of"),
        ({"scale": 2}, {}, "edit.scale: 2 is a knob of edit.method dps alone"),
        ({"method": "dps"}, {"clip": "dynamic"}, "clip: must be true or false for dps"),
        ({"method": "dps"}, {"sampler": "heun"}, "sampler: must ask once a step for dps; choose"),
    ],
)
def test_what_does_not_fit(edit, entry, said, schedule):
    arrays = {"images": np.zeros((3, *SHAPE), np.float32)}
    made = walks(None, schedule, {"kind": "restore", **edit}, arrays, shape=SHAPE, **entry)
    with pytest.raises(InputError) as caught:
        made.walks  # noqa: B018
    assert said in str(caught.value)
