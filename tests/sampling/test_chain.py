"""The loop on plain arrays: times in both directions, memory, snapshots, evaluations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import Counting, Inversion, gaussian_denoiser
from pydantic.dataclasses import dataclass

from sfumato.diffusion.prediction import Prediction
from sfumato.diffusion.times import spaced_timesteps
from sfumato.errors import InputError
from sfumato.guidance.clipping import Clipping
from sfumato.samplers import DDIM, DDPM, DPMSolver, Heun, Sampler, Step
from sfumato.sampling.batches import nfe
from sfumato.sampling.chain import run_chain

pytestmark = pytest.mark.quick_compile

SHAPE = (2, 3, 3, 1)
X = jnp.linspace(-2, 2, 18).reshape(SHAPE)
KEYS = jax.random.split(jax.random.key(0), 2)


@dataclass(frozen=True)
class Diary(Sampler):
    """Moves by one a step, and remembers the times between which it moved, and what is given."""

    def init(self, x, given):
        return {"label": given["labels"], "seen": jnp.full((len(x), 2), -9)}

    def step(self, denoise, schedule, x_t, t, s, keys, memory):
        seen = jnp.broadcast_to(jnp.stack([t, s]), memory["seen"].shape)
        memory = {"label": memory["label"] + 1, "seen": seen}
        return Step(x_t + 1, denoise(x_t, t), memory)


def remember(x_t, t, given):
    """Predict the label that is given, as an image."""
    return Prediction(jnp.broadcast_to(given["labels"].reshape(-1, 1, 1, 1), x_t.shape), x_t)


@pytest.mark.parametrize("times", [[900, 400, 7, -1], [-1, 3, 50, 999], [500, 499]])
def test_every_time_is_visited_in_order(schedule, times):
    given = {"labels": jnp.array([10.0, 20.0])}
    state = run_chain(
        remember,
        schedule,
        Diary(),
        times=times,
        keys=KEYS,
        x=X,
        given=given,
        snapshots=range(len(times) - 1),
    )
    steps = len(times) - 1
    np.testing.assert_allclose(state.x, X + steps, rtol=1e-6)
    assert state.memory["seen"].tolist() == [times[-2:]] * 2
    assert state.memory["label"].tolist() == [10 + steps, 20 + steps]
    for i in range(steps):
        np.testing.assert_allclose(state.snapshots[i], X + i, rtol=1e-6)
        assert state.predicted_x_0[i, :, 0, 0, 0].tolist() == [10, 20]


def test_the_chain_is_the_steps_one_after_another(schedule):
    """DDPM by hand: each step's key is the sample's own, folded with the time."""
    times, denoise = [999, 600, 20, -1], gaussian_denoiser(schedule, 0.2, 0.4)
    ours = run_chain(denoise, schedule, DDPM(), times=times, keys=KEYS, x=X).x
    x = X
    for t, s in zip(times, times[1:], strict=False):
        keys = jnp.stack([jax.random.fold_in(key, t) for key in KEYS])
        x = DDPM().step(lambda x, t: denoise(x, t, {}), schedule, x, t, s, keys, memory=()).x
    np.testing.assert_allclose(ours, x, atol=2e-6)


def test_a_denoiser_may_be_any_function_also_inside_jit(schedule):
    def end(x):
        said = lambda x_t, t, given: Prediction(0.5 * x_t, x_t)  # noqa: E731
        return run_chain(said, schedule, DDIM(), times=[999, 500, -1], keys=KEYS, x=x).x

    np.testing.assert_allclose(jax.jit(end)(X), end(X), atol=1e-6)


@pytest.mark.parametrize("sampler", [DDPM(), DDIM(eta=0.5), Heun(), DPMSolver()], ids=repr)
@pytest.mark.parametrize("steps", [1, 2, 6])
def test_nfe_is_what_a_counting_denoiser_counts(schedule, sampler, steps):
    counting = Counting(gaussian_denoiser(schedule, 0.2, 0.4))
    times = [*spaced_timesteps(1000, steps), -1]
    with jax.disable_jit():
        run_chain(Clipping()(counting, schedule), schedule, sampler, times=times, keys=KEYS, x=X)
    assert len(counting.times) == nfe(counting, sampler, times)
    asked = [t for pair in zip(times, times[1:], strict=False) for t in sampler.asks(*pair)]
    assert counting.times == asked
    assert len(asked) == (2 * steps - 1 if isinstance(sampler, Heun) else steps)


def test_nfe_of_a_walk_upwards(schedule):
    counting = Counting(gaussian_denoiser(schedule, 0.2, 0.4))
    times = [-1, 99, 499, 999]
    with jax.disable_jit():
        run_chain(counting, schedule, Inversion(), times=times, keys=KEYS, x=X)
    assert counting.times == times[1:] and nfe(counting, Inversion(), times) == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"times": [1000, 20, -1]}, "lie between 999 and -1"),
        ({"times": [50.7, 20.0, -1.0]}, "must be whole numbers"),
        ({"times": [50, -1, 20]}, "must fall, or rise"),
        ({"times": [50, -5]}, "to the end of the chain, -5"),
        ({"times": []}, "must fall"),
        ({"snapshots": [-1]}, "snapshots: .-1. must rise, and lie between 0 and 1"),
        ({"snapshots": [2]}, "between 0 and 1"),
    ],
)
def test_times_that_there_are_not(schedule, options, said):
    fine = {"times": [50, 20, -1], "keys": KEYS, "x": X}
    with pytest.raises(InputError, match=said):
        run_chain(gaussian_denoiser(schedule, 0, 1), schedule, DDIM(), **{**fine, **options})


@pytest.mark.parametrize("convert", [np.float64, lambda x: x.astype(jnp.bfloat16), jnp.int32])
def test_a_start_of_any_type_is_float32(schedule, convert):
    x = convert(jnp.ones_like(X))
    denoise = gaussian_denoiser(schedule, 0, 1)
    end = run_chain(denoise, schedule, DDIM(), times=[50, 20, -1], keys=KEYS, x=x).x
    assert end.dtype == jnp.float32 and np.isfinite(end).all()


def test_memory_of_the_loop_does_not_grow_with_steps(schedule):
    """What the compiled loop allocates is the same for 10 and for 1000 steps."""

    def temporary(steps):
        def end(x):
            denoise = gaussian_denoiser(schedule, 0, 1)
            times = [*spaced_timesteps(1000, steps), -1]
            return run_chain(denoise, schedule, DDPM(), times=times, keys=KEYS, x=x, snapshots=[5])

        return jax.jit(end).lower(X).compile().memory_analysis().temp_size_in_bytes

    assert temporary(1000) == temporary(10)
