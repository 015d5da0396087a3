"""The loop: randomness, micro-batches, snapshots, progress, and how often it compiles."""

from itertools import pairwise

import jax
import numpy as np
import pytest
from conftest import gaussian_predictor

from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.betas import BETAS
from sfumato.diffusion.schedule import make_schedule
from sfumato.diffusion.times import spaced_timesteps
from sfumato.errors import InputError
from sfumato.networks.denoiser import noise_predictor
from sfumato.networks.initialisation import initialise
from sfumato.networks.unet_config import UNetConfig
from sfumato.samplers import DDIM, DDPM
from sfumato.sampling.batches import (
    SAMPLES,
    _advance,
    _chain,
    _start,
    evenly_spaced,
    sample,
    sample_batches,
)

SHAPE = (8, 8, 1)
NETWORK = UNetConfig(
    input_dim=SHAPE, channels=8, channel_multipliers=(1, 2), attention_levels=(1,), norm_groups=4
)


@pytest.fixture(scope="module")
def unet():
    return initialise(NETWORK, jax.random.key(0))


def draw(predict, schedule, n_samples=3, sampler=None, steps=6, **options):
    return sample(
        predict,
        schedule,
        sampler or DDPM(),
        timesteps=spaced_timesteps(1000, steps),
        key=jax.random.key(3),
        n_samples=n_samples,
        image_shape=SHAPE,
        **options,
    )


def test_the_network_gives_sample_i_the_same_bytes_in_any_company(unet, schedule):
    predict = noise_predictor(unet, schedule, "epsilon")
    among = draw(predict, schedule, n_samples=21).images
    for n in (1, 5, 8, 9):
        np.testing.assert_array_equal(draw(predict, schedule, n_samples=n).images, among[:n])


def test_other_micro_batches_differ_by_rounding(unet, schedule):
    predict = noise_predictor(unet, schedule, "epsilon")
    eight = draw(predict, schedule, n_samples=10).images
    five = draw(predict, schedule, n_samples=10, micro_batch=5).images
    np.testing.assert_allclose(eight, five, atol=1e-3)


def test_noise_is_what_the_design_says(schedule):
    """Take one step with eps = 0 by hand, every key folded in one at a time."""
    times = np.array([999, 400], np.int32)
    drawn = sample(
        lambda x, t: 0 * x,
        schedule,
        DDPM(variance="large", clip=False),
        timesteps=times,
        key=jax.random.key(3),
        n_samples=3,
        image_shape=SHAPE,
    )
    fold = jax.random.fold_in
    for i in range(3):
        key = fold(jax.random.key(3), i)
        x = jax.random.normal(fold(key, 1000), SHAPE)
        for t, s in ((999, 400), (400, -1)):
            x = DDPM(variance="large", clip=False).step(schedule, x, 0 * x, t, s, fold(key, t))
        np.testing.assert_allclose(drawn.images[i], x, rtol=1e-4)


def test_same_start_under_every_sampler_and_step_count(schedule):
    predict = gaussian_predictor(schedule, 0.1, 0.5)
    starts = [
        draw(predict, schedule, sampler=sampler, steps=steps, snapshots=[0]).snapshots[0]
        for sampler in (DDPM(), DDIM(), DDIM(eta=0.3))
        for steps in (4, 50)
    ]
    for start in starts[1:]:
        np.testing.assert_array_equal(start, starts[0])


def test_one_program_for_all_pieces_batches_weights_and_numbers_of_steps(schedule):
    config = NETWORK.model_copy(update={"channels": 16})
    before = _advance.compiled._cache_size()
    for seed, n, steps in ((0, 1, 150), (1, 20, 6), (1, 20, 1000)):
        unet = initialise(config, jax.random.key(seed))
        predict = noise_predictor(unet, schedule, "epsilon")
        draw(predict, schedule, n_samples=n, steps=steps)
    assert _advance.compiled._cache_size() == before + 1


def test_progress_adds_up(schedule):
    taken = []
    predict = gaussian_predictor(schedule, 0, 1)
    draw(predict, schedule, n_samples=9, steps=150, progress=taken.append)
    assert sum(taken) == 9 * 150
    assert taken == [8 * 25] * 6 + [25] * 6  # often enough, and in no loop over steps


def test_snapshots_are_the_states_of_the_chain(schedule):
    predict = gaussian_predictor(schedule, 0.2, 0.4)
    kept = draw(predict, schedule, steps=10, snapshots=range(11))
    assert kept.snapshot_timesteps.tolist() == [999, 899, 799, 699, 599, 499, 399, 299, 199, 99, -1]
    np.testing.assert_array_equal(kept.snapshots[-1], kept.images)
    np.testing.assert_array_equal(kept.predicted_x_0[-1], kept.images)
    np.testing.assert_array_equal(kept.images, draw(predict, schedule, steps=10).images)
    fold = jax.random.fold_in
    for i in range(10):
        t, s = kept.snapshot_timesteps[i], kept.snapshot_timesteps[i + 1]
        x_t = kept.snapshots[i][1]
        eps = predict(x_t[None], np.array([t]))[0]
        key = fold(fold(jax.random.key(3), 1), t)
        x_s = DDPM().step(schedule, x_t, eps, t, s, key)
        np.testing.assert_allclose(kept.snapshots[i + 1][1], x_s, atol=1e-5)
        a = float(schedule.alpha_bar(t))
        x_0 = np.clip((x_t - np.sqrt(1 - a) * eps) / np.sqrt(a), -1, 1)
        np.testing.assert_allclose(kept.predicted_x_0[i][1], x_0, atol=1e-3)
    some = draw(predict, schedule, steps=10, snapshots=[2, 7])
    np.testing.assert_array_equal(some.snapshots, kept.snapshots[[2, 7]])
    assert some.snapshot_timesteps.tolist() == [799, 299]


def test_memory_of_the_loop_does_not_grow_with_steps(schedule):
    """What the compiled loop allocates is the same for 10 and for 1000 steps."""

    def temporary(steps):
        mesh = jax.sharding.Mesh(jax.local_devices()[:1], (SAMPLES,))
        chain = _chain(spaced_timesteps(1000, steps), [0, 5], 1000)
        keys, state = _start(mesh, SHAPE, 2, 1000, jax.random.key(0), np.arange(8))
        predict = gaussian_predictor(schedule, 0, 1)
        lowered = _advance.compiled.lower(mesh, DDPM(), predict, schedule, chain, keys, state, 0, 0)
        return lowered.compile().memory_analysis().temp_size_in_bytes

    assert temporary(1000) == temporary(10)


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
        ({"timesteps": [1000, 0]}, "lie from 999 to 0"),
        ({"timesteps": [5, -1]}, "lie from 999 to 0"),
        ({"snapshots": [2, 0]}, "snapshots: .* must rise, and lie from 0 to 2"),
        ({"snapshots": [1, 1]}, "must rise"),
        ({"snapshots": [3]}, "lie from 0 to 2"),
    ],
)
def test_impossible_chains(schedule, options, said):
    fine = {"timesteps": [5, 0], "n_samples": 1, "key": jax.random.key(0), "image_shape": SHAPE}
    with pytest.raises(InputError, match=said):
        sample(lambda x, t: x, schedule, DDIM(), **{**fine, **options})


@pytest.mark.parametrize("indices", [range(0), range(0, 10, 2), range(3, 0, -1)])
def test_impossible_indices(schedule, indices):
    fine = {"timesteps": [5, 0], "key": jax.random.key(0), "image_shape": SHAPE}
    with pytest.raises(InputError, match="indices: .* one number after another"):
        next(sample_batches(lambda x, t: x, schedule, DDIM(), indices=indices, **fine))


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("steps", [1, 10])
@pytest.mark.parametrize("kind", ["x_0", "v"])
def test_a_predicted_image_is_not_lost_near_pure_noise(unet, kind, steps, clip):
    """DDIM's chain in float64, with the same network: alpha_bar starts at 2e-9."""
    schedule = make_schedule(DiffusionConfig(beta_schedule="cosine", prediction_type=kind))
    drawn = draw(
        noise_predictor(unet, schedule, kind),
        schedule,
        sampler=DDIM(clip=clip),
        steps=steps,
        snapshots=range(steps + 1),
    )
    betas = BETAS["cosine"](1000, 0, 0)
    alpha_bar = np.append(np.cumprod(1 - betas), 1)  # [-1]: the data
    network = jax.jit(unet)
    x = drawn.snapshots[0].astype(np.float64)
    for i, (t, s) in enumerate(pairwise([*drawn.timesteps, -1])):
        a, b = alpha_bar[t], alpha_bar[s]
        out = np.float64(network(np.float32(x), np.full(len(x), t)))
        x_0 = out if kind == "x_0" else np.sqrt(a) * x - np.sqrt(1 - a) * out
        if clip:
            x_0 = x_0.clip(-1, 1)
        eps = (x - np.sqrt(a) * x_0) / np.sqrt(1 - a)
        np.testing.assert_allclose(drawn.predicted_x_0[i], x_0, atol=3e-5)
        x = np.sqrt(b) * x_0 + np.sqrt(1 - b) * eps
    np.testing.assert_allclose(drawn.images, x, atol=3e-5)


def test_seconds_are_measured(schedule):
    seconds = draw(gaussian_predictor(schedule, 0, 1), schedule).seconds
    assert seconds["run"] > 0 and seconds["compile"] > 0
