"""Many samples: randomness, micro-batches, snapshots, progress, and how often it compiles."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import Inversion, gaussian_denoiser

from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.betas import BETAS
from sfumato.diffusion.prediction import Prediction
from sfumato.diffusion.schedule import make_schedule
from sfumato.diffusion.times import spaced_timesteps
from sfumato.errors import InputError
from sfumato.guidance.clipping import Clipping
from sfumato.networks.denoiser import make_denoiser
from sfumato.networks.initialisation import initialise
from sfumato.networks.unet_config import UNetConfig
from sfumato.samplers import DDIM, DDPM, DPMSolver, Heun, UniPC
from sfumato.sampling.batches import evenly_spaced, nfe, sample, sample_batches

pytestmark = pytest.mark.quick_compile

SHAPE = (8, 8, 1)
SMALL = UNetConfig(
    input_dim=SHAPE, channels=4, channel_multipliers=(1,), attention_levels=(), norm_groups=2
)


@pytest.fixture(scope="module")
def network():
    return initialise(SMALL, jax.random.key(0))


def draw(denoise, schedule, n_samples=3, sampler=None, steps=6, **options):
    fine = {
        "timesteps": spaced_timesteps(1000, steps),
        "key": jax.random.key(3),
        "image_shape": SHAPE,
    }
    return sample(denoise, schedule, sampler or DDPM(), n_samples=n_samples, **{**fine, **options})


def clipped(denoise, schedule):
    return Clipping()(denoise, schedule)


def test_noise_is_what_the_design_says(schedule):
    """Take two steps with eps = 0 by hand, every key folded in one at a time."""
    sampler, fold = DDPM(variance="large"), jax.random.fold_in
    silent = lambda x, t, given: Prediction(x / schedule.alpha(t), 0 * x)  # noqa: E731
    drawn = draw(silent, schedule, sampler=sampler, timesteps=[999, 400])
    for i in range(3):
        key = fold(jax.random.key(3), i)
        x = jax.random.normal(fold(key, 1000), SHAPE)[None]
        for t, s in ((999, 400), (400, -1)):
            said = lambda x, t: silent(x, t, {})  # noqa: E731
            x = sampler.step(said, schedule, x, t, s, fold(key, t)[None], memory=()).x
        np.testing.assert_allclose(drawn.images[i], x[0], rtol=1e-4)


def test_same_start_under_every_sampler_and_step_count(schedule):
    denoise = gaussian_denoiser(schedule, 0.1, 0.5)
    starts = [
        draw(denoise, schedule, sampler=sampler, steps=steps, snapshots=[0]).snapshots[0]
        for sampler, steps in ((DDPM(), 4), (DDPM(), 50), (DDIM(eta=0.3), 6), (DPMSolver(), 9))
    ]
    for start in starts[1:]:
        np.testing.assert_array_equal(start, starts[0])


def test_one_program_for_all_pieces_batches_weights_steps_and_etas(schedule):
    """A function inside the loop runs once for each program: when it is traced."""
    traces = []

    def ask(inner, x, t, given):
        traces.append(t)
        return inner(x, t, given)

    counts = []
    for seed, n, steps, eta in ((0, 3, 60, 0.3), (1, 20, 6, 0.7), (2, 9, 101, 0.3)):
        network = initialise(SMALL, jax.random.key(seed))
        inner = make_denoiser(network, schedule, "epsilon")
        denoise = clipped(jax.tree_util.Partial(ask, inner), schedule)
        draw(denoise, schedule, n_samples=n, steps=steps, sampler=DDIM(eta=eta))
        counts.append(len(traces))
    assert counts[0] > 0 and set(counts) == {counts[0]}


def test_progress_adds_up(schedule):
    taken = []
    denoise = gaussian_denoiser(schedule, 0, 1)
    draw(denoise, schedule, n_samples=9, steps=150, progress=taken.append)
    assert sum(taken) == 9 * 150
    assert taken == [8 * 25] * 6 + [25] * 6  # often enough, and in no loop over steps
    taken.clear()
    drawn = draw(denoise, schedule, sampler=Heun(), steps=30, progress=taken.append)
    assert drawn.nfe == 59 and sum(taken) == 3 * 59


def test_snapshots_are_the_states_of_the_chain(schedule):
    inner = gaussian_denoiser(schedule, 0.2, 0.4)
    denoise = clipped(inner, schedule)
    kept = draw(denoise, schedule, steps=10, snapshots=range(11))
    assert kept.snapshot_timesteps.tolist() == [999, 899, 799, 699, 599, 499, 399, 299, 199, 99, -1]
    np.testing.assert_array_equal(kept.snapshots[-1], kept.images)
    np.testing.assert_array_equal(kept.predicted_x_0[-1], kept.images)
    np.testing.assert_array_equal(kept.images, draw(denoise, schedule, steps=10).images)
    fold = jax.random.fold_in
    for i in range(10):
        t, s = kept.snapshot_timesteps[i : i + 2]
        x_t = kept.snapshots[i][1:2]
        key = fold(fold(jax.random.key(3), 1), t)[None]
        step = DDPM().step(lambda x, t: denoise(x, t, {}), schedule, x_t, t, s, key, memory=())
        np.testing.assert_allclose(kept.snapshots[i + 1][1], step.x[0], atol=1e-5)
        x_0 = np.clip(inner(x_t, t, {}).x_0[0], -1, 1)
        np.testing.assert_allclose(kept.predicted_x_0[i][1], x_0, atol=1e-3)
    some = draw(denoise, schedule, steps=10, snapshots=[2, 7])
    np.testing.assert_array_equal(some.snapshots, kept.snapshots[[2, 7]])
    assert some.snapshot_timesteps.tolist() == [799, 299]


@pytest.mark.parametrize("snapshots", [(), (0, 2)])
def test_samples_hold_no_more_than_they_show(schedule, snapshots):
    """Thousands of batches wait to be joined: none may keep the state that it was cut from."""
    batches = sample_batches(
        gaussian_denoiser(schedule, 0, 1),
        schedule,
        DDPM(),
        timesteps=spaced_timesteps(1000, 2),
        key=jax.random.key(3),
        indices=range(3),
        image_shape=SHAPE,
        snapshots=snapshots,
    )
    for batch in batches:
        for shown in (batch.snapshots, batch.predicted_x_0):
            held = shown if shown.base is None else shown.base
            assert held.nbytes == shown.nbytes


def test_the_chain_may_start_anywhere(schedule):
    """From the state of a longer chain on, sample for sample."""
    denoise = gaussian_denoiser(schedule, 0.2, 0.4)
    whole = draw(denoise, schedule, n_samples=11, steps=10, snapshots=[6])
    rest = draw(
        denoise, schedule, n_samples=11, timesteps=whole.timesteps[6:], start=whole.snapshots[0]
    )
    np.testing.assert_array_equal(rest.images, whole.images)
    assert rest.nfe == 4


def test_the_chain_may_end_anywhere(schedule):
    denoise = gaussian_denoiser(schedule, 0.2, 0.4)
    whole = draw(denoise, schedule, steps=10, snapshots=[6])
    times, end = whole.timesteps[:6], whole.timesteps[6]
    begun = draw(denoise, schedule, timesteps=times, end=end, snapshots=[6])
    np.testing.assert_array_equal(begun.images, whole.snapshots[0])
    np.testing.assert_array_equal(begun.images, begun.snapshots[0])
    assert np.isnan(begun.predicted_x_0).all()  # nothing was predicted from there


def test_given_arrays_go_with_their_samples(schedule):
    """Data that is one point, another one for each sample; memory too knows whose it is."""
    points = np.random.default_rng(0).uniform(-1, 1, (11, *SHAPE)).astype(np.float32)
    sigma, alpha = schedule.sigma, schedule.alpha

    def denoise(x, t, given):
        return Prediction(given["points"], (x - alpha(t) * given["points"]) / sigma(t))

    for sampler in (DDIM(), DPMSolver()):
        drawn = draw(
            denoise,
            schedule,
            n_samples=11,
            sampler=sampler,
            given={"points": points},
            micro_batch=4,
        )
        np.testing.assert_allclose(drawn.images, points, atol=1e-5)


def test_evenly_spaced():
    assert evenly_spaced(1000, 6) == (0, 200, 400, 600, 800, 1000)
    assert evenly_spaced(5, 6) == (0, 1, 2, 3, 4, 5)
    assert evenly_spaced(7, 2) == (0, 7)
    assert evenly_spaced(7, 1) == (7,)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n_samples": 0}, "n_samples: 0 must be at least 1"),
        ({"micro_batch": 0}, "micro_batch: 0 must be at least 1"),
        ({"timesteps": []}, "must fall"),
        ({"timesteps": [1, 2]}, "must fall"),
        ({"timesteps": [5, 5]}, "must fall"),
        ({"timesteps": [1000, 0]}, "lie between 999 and -1"),
        ({"timesteps": [5, -1]}, "must fall"),
        ({"timesteps": [5, 9], "end": 1000}, "lie between 999 and -1"),
        ({"timesteps": [-1, 5], "end": 9}, "DDIM: .* it asks at -1"),
        ({"snapshots": [2, 0]}, "snapshots: .* must rise, and lie between 0 and 2"),
        ({"snapshots": [1, 1]}, "must rise"),
        ({"snapshots": [3]}, "lie between 0 and 2"),
        ({"start": jnp.zeros((1, 8, 8))}, "start: its shape .* must be"),
        ({"given": {"labels": jnp.zeros(2)}}, "given.'labels'.: its shape .* begin with 1"),
        ({"n_samples": 2.5}, "n_samples: 2.5 must be a whole number"),
        ({"micro_batch": "2"}, "micro_batch: '2' must be a whole number"),
        ({"timesteps": [5.5, 0]}, r"timesteps: .5.5, 0. must be whole numbers"),
        ({"timesteps": [2**32 + 5, 3]}, "lie between 999 and -1"),
        ({"timesteps": [[5], [0]]}, "must be whole numbers, one after another"),
        ({"timesteps": ["a"]}, "timesteps: .* must be an array of numbers"),
        ({"timesteps": []}, "must fall"),
        ({"devices": 0}, "devices: 0 must be at least 1"),
        ({"key": 3}, r"key: 3 must be of the kind of jax.random.key\(0\)"),
        ({"image_shape": 16}, "image_shape: 16 must be of the kind of"),
        ({"given": [1]}, "given: .1. must be of the kind of"),
        ({"given": {"labels": ["a"]}}, "given.'labels'.: ..a.. must be an array of numbers"),
        ({"key": jax.random.split(jax.random.key(0), 2)}, r"key: must be one key, .* shape \(2,"),
        ({"image_shape": "ab"}, r"image_shape.0.: 'a' must be a whole number"),
        ({"image_shape": (-1, 8, 1)}, r"image_shape.0.: -1 must be at least 1"),
        ({"end": None}, "end: None must be a whole number, at least -1"),
        ({"snapshots": "01"}, "snapshots: '01' must be whole numbers of steps"),
        ({"snapshots": [0.0]}, "snapshots: .0.0. must be whole numbers of steps"),
        ({"start": jnp.full((1, *SHAPE), jnp.nan)}, "start: holds NaN or infinities"),
        ({"start": np.zeros((1, *SHAPE), complex)}, "start: .* must be an array of numbers, real"),
        ({"start": jnp.zeros((1, *SHAPE), complex)}, "start: .* must be an array of numbers, real"),
    ],
)
def test_impossible_chains(schedule, options, said):
    fine = {"timesteps": [5, 0], "n_samples": 1}
    with pytest.raises(InputError, match=said):
        draw(lambda x, t, given: x, schedule, sampler=DDIM(), **{**fine, **options})


def test_a_denoiser_that_returns_an_array(schedule):
    with pytest.raises(InputError, match="denoise: 3 must be a function"):
        draw(3, schedule, sampler=DDIM(), n_samples=1, timesteps=[5, 0])
    with pytest.raises(InputError, match="the denoiser must return a Prediction, .* not an array"):
        draw(lambda x, t, given: x, schedule, sampler=DDIM(), n_samples=1, timesteps=[5, 0])


@pytest.mark.parametrize("part", [np.s_[0], np.s_[:1], np.s_[..., :0]])
def test_a_denoiser_that_returns_another_shape(part, schedule):
    with pytest.raises(InputError, match=r"the denoiser returned x_0 of shape .* for x_t of \(2, "):
        options = {"sampler": DDIM(), "n_samples": 2, "timesteps": [5, 0], "micro_batch": 2}
        draw(lambda x, t, given: Prediction(x[part], x), schedule, **options, devices=1)


@pytest.mark.parametrize("sampler", [DDIM(), UniPC()])
def test_a_denoiser_of_half_the_precision(sampler, schedule):
    options = {"sampler": sampler, "n_samples": 1, "timesteps": [50, 20, 0]}
    half = lambda x, t, given: Prediction(jnp.zeros_like(x, jnp.bfloat16), x)  # noqa: E731
    whole = lambda x, t, given: Prediction(jnp.zeros_like(x), x)  # noqa: E731
    drawn = [draw(denoise, schedule, **options).images for denoise in (half, whole)]
    np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize("sampler", [DDIM, "ddim"])
def test_what_is_no_sampler(schedule, sampler):
    with pytest.raises(InputError, match=r"sampler: .* must be of the kind of DDIM\(\)"):
        draw(lambda x, t, given: x, schedule, sampler=sampler, n_samples=1, timesteps=[5, 0])


def test_the_schedule_is_that_of_the_denoiser(network, schedule):
    other = make_schedule(DiffusionConfig(noise_steps=20, beta_schedule="cosine"))
    denoise = make_denoiser(network, other, "v")
    with pytest.raises(InputError, match="has 1000 noise steps, and that of the denoiser 20"):
        draw(denoise, schedule, sampler=DDIM(), n_samples=1, timesteps=[5, 0])


@pytest.mark.parametrize(
    "indices",
    [range(0), range(0, 10, 2), range(3, 0, -1), range(-1, 1), range(2**32, 2**32 + 1)],
)
def test_impossible_indices(schedule, indices):
    fine = {"timesteps": [5, 0], "key": jax.random.key(0), "image_shape": SHAPE}
    with pytest.raises(InputError, match="indices: .* consecutive numbers"):
        next(sample_batches(lambda x, t, given: x, schedule, DDIM(), indices=indices, **fine))
    with pytest.raises(InputError, match=r"indices: \[0\] must be of the kind of range\(8\)"):
        next(sample_batches(lambda x, t, given: x, schedule, DDIM(), indices=[0], **fine))


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("kind", ["x_0", "v", "u"])
def test_a_predicted_image_is_not_lost_near_pure_noise(network, kind, clip):
    """DDIM's chain in float64, with the same network: alpha_bar starts at 2e-9."""
    schedule = make_schedule(DiffusionConfig(beta_schedule="cosine", prediction_type=kind))
    denoise = make_denoiser(network, schedule, kind)
    alpha_bar = np.append(np.cumprod(1 - BETAS["cosine"](1000, 0, 0)), 1)  # [-1]: the data
    alone = jax.jit(network)
    for steps in (1, 10):
        drawn = draw(
            clipped(denoise, schedule) if clip else denoise,
            schedule,
            sampler=DDIM(),
            steps=steps,
            snapshots=range(steps + 1),
        )
        x = drawn.snapshots[0].astype(np.float64)
        for i, (t, s) in enumerate(pairwise([*drawn.timesteps, -1])):
            a, b = alpha_bar[t], alpha_bar[s]
            out = np.float64(alone(np.float32(x), np.full(len(x), t)))
            x_0 = {
                "x_0": out,
                "v": np.sqrt(a) * x - np.sqrt(1 - a) * out,
                "u": (x - np.sqrt(1 - a) * out) / (np.sqrt(a) + np.sqrt(1 - a)),
            }[kind]
            if clip:
                x_0 = x_0.clip(-1, 1)
            eps = (x - np.sqrt(a) * x_0) / np.sqrt(1 - a)
            np.testing.assert_allclose(drawn.predicted_x_0[i], x_0, atol=3e-5)
            x = np.sqrt(b) * x_0 + np.sqrt(1 - b) * eps
        np.testing.assert_allclose(drawn.images, x, atol=3e-5)


def test_seconds_and_evaluations_are_measured(schedule):
    drawn = draw(gaussian_denoiser(schedule, 0, 1), schedule)
    assert drawn.seconds["run"] > 0 and drawn.seconds["compile"] > 0
    assert drawn.nfe == 6 == nfe(lambda x, t, given: x, DDPM(), [*drawn.timesteps, -1])


def test_a_sampler_that_rises_from_the_data(schedule):
    drawn = draw(
        gaussian_denoiser(schedule, 0, 1),
        schedule,
        sampler=Inversion(),
        timesteps=[-1, 200, 500],
        end=999,
        start=np.zeros((3, *SHAPE), np.float32),
        snapshots=[0, 3],
    )
    assert drawn.snapshot_timesteps.tolist() == [-1, 999] and drawn.nfe == 3
