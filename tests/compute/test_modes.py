"""The library under jax's other modes, as a notebook may set them: the same float32 numbers."""

from contextlib import ExitStack

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import slow
from flax import nnx
from training.small_run import DIFFUSION, IMAGES, KEY, LABELS, network

from sfumato import DDPMModel, ModelConfig
from sfumato.compute.modes import in_own_modes
from sfumato.compute.randomness import stage_key
from sfumato.config.training import TrainingConfig
from sfumato.records.checkpoint import load_checkpoint, save_checkpoint
from sfumato.training.loop import train

pytestmark = [
    pytest.mark.quick_compile,
    pytest.mark.filterwarnings("ignore:alpha_bar_T"),  # the shortest chain is quickest
]
STRANGE = {
    "enable_x64": True,
    "numpy_dtype_promotion": "strict",
    "numpy_rank_promotion": "raise",
    "debug_key_reuse": True,
    "debug_infs": True,
    "debug_nans": True,
    "threefry_partitionable": False,
    "transfer_guard": "disallow",
}
TINY = {"channels": 2, "channel_multipliers": [1], "attention_levels": [], "norm_groups": 2}
TRAINING = TrainingConfig(steps=45, batch_size=8, warmup_steps=5)
CONFIG = ModelConfig("tiny", input_dim=(8, 8, 1), parameters={"noise_steps": 20, **TINY})


def modes(names):
    """Set some of the strange modes until the end of a `with` block."""
    stack = ExitStack()
    for name in names:
        stack.enter_context(getattr(jax, name)(STRANGE[name]))
    return stack


def numbers(folder, rngs):
    """Return what the interface computes, by name."""
    model = DDPMModel(CONFIG, rngs=rngs)
    x = np.linspace(-1, 1, 2 * 64).reshape(2, 8, 8, 1)
    noisy, noise = model.forward_diffusion(x, np.array([1, 2]), rngs=rngs)
    trained, history = train(network(), DIFFUSION, TRAINING, IMAGES, LABELS, key=KEY)
    save_checkpoint(folder, trained, DIFFUSION, {})
    restored, _ = load_checkpoint(folder, trained.config, DIFFUSION)
    return {
        "noisy": noisy,
        "noise": noise,
        "predicted": model(noisy, 3)["predicted_noise"],
        "step": model.denoise_step(noisy, 3, rngs=rngs),
        "ddim": model.sample(2, scheduler="ddim", steps=5, rngs=rngs),
        "history": history,
        **dict(enumerate(jax.tree.leaves(nnx.state(restored, nnx.Param)))),
    }


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return numbers(tmp_path_factory.mktemp("usual") / "checkpoint", nnx.Rngs(0))


@pytest.mark.parametrize("names", [tuple(STRANGE), *(slow((name,)) for name in STRANGE)])
def test_the_interface_gives_the_same_numbers_in_every_mode(usual, tmp_path, names):
    rngs = nnx.Rngs(0)
    with modes(names):
        strange = numbers(tmp_path / "checkpoint", rngs)
    for name, expected in usual.items():
        assert strange[name].dtype == np.float32, name
        np.testing.assert_array_equal(strange[name], expected, err_msg=str(name))


def test_the_modes_of_the_caller_are_there_between_two_steps_and_afterwards():
    @in_own_modes
    def inside():
        yield jnp.zeros(1, float).dtype
        yield jnp.zeros(1, float).dtype

    with jax.enable_x64(True):
        seen = [(each, jnp.zeros(1, float).dtype) for each in inside()]
        assert jnp.zeros(1, float).dtype == jnp.float64
    assert seen == [(jnp.float32, jnp.float64)] * 2


def test_the_key_of_a_stage_is_threefrys_and_knows_no_offset():
    keys = [stage_key(seed, 3) for seed in (0, 7, 2**32 - 1)]
    for key, seed in zip(keys, (0, 7, 2**32 - 1), strict=True):
        expected = jax.random.fold_in(jax.random.key(seed, impl="threefry2x32"), 3)
        assert jax.random.key_data(key).tolist() == jax.random.key_data(expected).tolist()
    jax.config.update("jax_random_seed_offset", 5)
    try:
        assert (jax.random.key_data(stage_key(7, 3)) == jax.random.key_data(keys[1])).all()
    finally:
        jax.config.update("jax_random_seed_offset", 0)
