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
from sfumato.compute.randomness import as_threefry, stage_key
from sfumato.config.guidance_classifier import GuidanceClassifierConfig
from sfumato.config.training import TrainingConfig
from sfumato.diffusion.forward import forward_path
from sfumato.diffusion.schedule import make_schedule
from sfumato.evaluation.classifier import Classifier
from sfumato.evaluation.classifier_training import Fit, train_classifier
from sfumato.evaluation.likelihood import terms
from sfumato.evaluation.two_sample import two_sample_accuracy
from sfumato.records.checkpoint import load_checkpoint, save_checkpoint
from sfumato.samplers import DDPM
from sfumato.sampling.batches import sample
from sfumato.training.guidance_classifier import accuracies, train_guidance_classifier
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


def scores():
    """Return what evaluations compute, by name."""
    model, key = DDPMModel(CONFIG), KEY
    shades = np.linspace(-1, 1, 16 * 64, dtype=np.float32).reshape(16, 8, 8, 1)
    classes, fit = np.arange(16) % 2, Fit(steps=3, batch_size=8)
    classifier = train_classifier(shades, classes, 2, fit, key=key)
    guide = train_guidance_classifier(
        shades, classes, model.schedule, GuidanceClassifierConfig(steps=3), key=key
    )
    times = np.array([3, 7], np.int32)
    told = two_sample_accuracy(shades, shades[::-1] / 2, key=key, folds=2, fit=fit)
    costs = terms(model._denoiser(), model.schedule, shades[:2], key=key, indices=[0, 1], steps=3)
    return {
        "classified": classifier.probabilities(shades),
        "guide": next(iter(guide.weights().values())),
        "guessed": accuracies(guide, shades, classes, model.schedule, times, key=key),
        "told": told.generated.astype(np.float32),
        "bound": costs.bound().astype(np.float32),
        "flow": costs.along_the_flow().astype(np.float32),
        "path": forward_path(model.schedule, key, np.int32(1), shades[0], times)[0],
    }


@pytest.mark.slow
@pytest.mark.parametrize("names", [tuple(STRANGE), *((name,) for name in STRANGE)])
def test_evaluations_give_the_same_numbers_in_every_mode(names):
    usual = scores()
    with modes(names):
        strange = scores()
    for name, expected in usual.items():
        assert strange[name].dtype == np.float32, name
        np.testing.assert_array_equal(strange[name], expected, err_msg=str(name))


def test_what_evaluations_call_is_run_in_the_modes_of_the_library():
    """As the slow test above sees by their numbers."""
    called = (accuracies, make_schedule, terms, train_classifier, train_guidance_classifier)
    for function in (*called, two_sample_accuracy, Classifier.look):
        assert function.__code__ is DDPMModel.sample.__code__, function.__name__


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


@pytest.mark.parametrize("kind", ["rbg", "unsafe_rbg", "threefry2x32"])
def test_keys_of_another_kind_become_threefrys(kind):
    key = in_own_modes(lambda *, key: key)(key=jax.random.key(0, impl=kind))
    assert str(jax.random.key_impl(key)) == "threefry2x32"


@pytest.mark.slow
def test_samples_and_weights_by_keys_of_another_kind():
    """Of jax's other kinds, what a sample draws depends on those around it."""
    model, key = DDPMModel(CONFIG), jax.random.key(0, impl="rbg")
    chain = {"timesteps": range(19, -1, -4), "key": key, "image_shape": (8, 8, 1)}
    drawn = [
        sample(model._denoiser(), model.schedule, DDPM(), n_samples=n, micro_batch=2, **chain)
        for n in (3, 6)
    ]
    np.testing.assert_array_equal(drawn[0].images, drawn[1].images[:3])
    training = TRAINING.model_copy(update={"steps": 6})
    (_, first), (_, second) = (
        train(network(), DIFFUSION, training, IMAGES, LABELS, key=each)
        for each in (key, as_threefry(key))
    )
    np.testing.assert_array_equal(first, second)


def test_a_mesh_of_the_caller_is_left_alone():
    def images():
        return DDPMModel(CONFIG).sample(2, scheduler="ddim", steps=5)

    alone = images()
    with jax.set_mesh(jax.make_mesh((1,), ("x",))):
        np.testing.assert_array_equal(images(), alone)
        DDPMModel(CONFIG).fit(np.zeros((8, 8, 8, 1)), steps=2, batch_size=8, bar=False)
        assert jax.sharding.get_abstract_mesh().axis_names == ("x",)
        model, x = DDPMModel(CONFIG), np.zeros((1, 8, 8, 1))
        jax.eval_shape(lambda x: model(x, 5)["predicted_noise"], x)
