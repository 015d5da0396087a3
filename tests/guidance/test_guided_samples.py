"""Guidance around a network: which cases are another model to the bit, and what each costs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import slow
from flax import nnx
from oracles import gaussian_denoiser

from sfumato.compute.randomness import stage_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.prediction import cost
from sfumato.diffusion.schedule import make_schedule
from sfumato.errors import InputError
from sfumato.guidance.auto import Auto
from sfumato.guidance.classifier import Classifier
from sfumato.guidance.classifier_free import ClassifierFree
from sfumato.networks.denoiser import make_denoiser
from sfumato.networks.guidance_classifier import GuidanceClassifier, LogProbability
from sfumato.networks.initialisation import initialise
from sfumato.networks.restoring import structure
from sfumato.networks.unet_config import UNetConfig
from sfumato.samplers import DDIM, Heun
from sfumato.sampling.batches import nfe, sample
from sfumato.sampling.devices import advance

SHAPE, T = (8, 8, 1), 20
SCHEDULE = make_schedule(DiffusionConfig(noise_steps=T, beta_end=0.2))


def network(seed):
    sizes = {"channels": 4, "channel_multipliers": (1,), "attention_levels": (), "norm_groups": 2}
    config = UNetConfig(input_dim=SHAPE, num_classes=3, **sizes)
    return make_denoiser(initialise(config, stage_key(seed, 1)), SCHEDULE, "v")


@pytest.fixture(scope="module")
def denoise():
    return network(0)


@pytest.fixture(scope="module")
def log_p():
    """Return a classifier of noisy images with fresh weights."""
    network = GuidanceClassifier(SHAPE, 3, rngs=nnx.Rngs(7))
    return LogProbability(nnx.state(network), structure(GuidanceClassifier, SHAPE, 3)[0])


def draw(denoise, n_samples=4, labels=(0, 1, 2, -1), **options):
    """Draw with DDIM, and return what was drawn."""
    given = {} if labels is None else {"labels": np.resize(np.array(labels, np.int32), n_samples)}
    return sample(
        denoise,
        SCHEDULE,
        DDIM(),
        timesteps=range(T - 1, -1, -4),
        key=stage_key(0, 3),
        n_samples=n_samples,
        image_shape=SHAPE,
        micro_batch=2,
        given=given,
        snapshots=[0],
        **options,
    )


def test_scales_of_one_and_zero_are_other_models_to_the_bit(denoise, log_p):
    conditional, unconditional = draw(denoise).images, draw(denoise, labels=None).images
    assert np.abs(conditional - unconditional).max() > 1e-3
    for w, expected in ((1, conditional), (0, unconditional)):
        np.testing.assert_array_equal(draw(ClassifierFree(w)(denoise, SCHEDULE)).images, expected)
    steered = Classifier(scale=0).using(log_p)(denoise, SCHEDULE)
    np.testing.assert_array_equal(draw(steered).images, unconditional)
    worse = network(1)
    for w, expected in ((1, conditional), (0, draw(worse).images)):
        guided = Auto(scale=w).using(worse)(denoise, SCHEDULE)
        np.testing.assert_array_equal(draw(guided).images, expected)


def test_an_interval(denoise):
    """Of every time it is none; of no time that the chain visits, the conditional model."""
    whole = draw(ClassifierFree(scale=3.0)(denoise, SCHEDULE))
    every = draw(ClassifierFree(scale=3.0, interval=(0, T - 1))(denoise, SCHEDULE))
    np.testing.assert_array_equal(every.images, whole.images)
    conditional = draw(denoise)
    unvisited = draw(ClassifierFree(scale=3.0, interval=(4, 6))(denoise, SCHEDULE))
    np.testing.assert_allclose(unvisited.images, conditional.images, atol=1e-5)
    assert (whole.nfe, unvisited.nfe, conditional.nfe) == (10, 5, 5)
    part = draw(ClassifierFree(scale=3.0, interval=(7, 15))(denoise, SCHEDULE))
    assert part.nfe == 8  # at 15, 11 and 7 twice, at 19 and 3 once
    assert np.abs(part.images - whole.images).max() > 1e-4


@pytest.mark.parametrize("knobs", [{"scale": 4.0}, {"rescale": 0.7}, {"interval": (0, 9)}], ids=str)
def test_every_knob_of_classifier_free_changes_the_images(denoise, knobs):
    usual = draw(ClassifierFree(scale=3.0)(denoise, SCHEDULE)).images
    other = draw(ClassifierFree(**{"scale": 3.0, **knobs})(denoise, SCHEDULE)).images
    assert np.abs(other - usual).max() > 1e-4


def guidances(log_p):
    return {
        "classifier_free": ClassifierFree(scale=3.0, rescale=0.5, interval=(0, 12)),
        "classifier": Classifier(scale=3.0).using(log_p),
        "auto": Auto(scale=2.0).using(network(1)),
    }


@pytest.mark.parametrize("name", ["classifier_free", *map(slow, ["classifier", "auto"])])
def test_a_sample_does_not_depend_on_the_others(denoise, log_p, name):
    guided = guidances(log_p)[name](denoise, SCHEDULE)
    eight, one = draw(guided, n_samples=7), draw(guided, n_samples=1)
    np.testing.assert_array_equal(eight.images[0], one.images[0])
    np.testing.assert_array_equal(eight.snapshots[0], draw(denoise, n_samples=7).snapshots[0])
    assert np.abs(eight.images - draw(denoise, n_samples=7).images).max() > 1e-4


def test_another_scale_compiles_nothing(denoise, log_p):
    for make in (ClassifierFree, lambda scale: Classifier(scale).using(log_p)):
        first, *others = (make(w)(denoise, SCHEDULE) for w in (2.0, 3.5, 7.0))
        images = [draw(first, n_samples=2).images]
        before = advance.programs
        images += [draw(guided, n_samples=2).images for guided in others]
        assert advance.programs == before
        assert len({each.tobytes() for each in images}) == 3


class CountingRows:
    """A denoiser that counts the samples that it is asked about."""

    def __init__(self, denoise):  # noqa: D107
        self.denoise, self.rows = denoise, 0

    def __call__(self, x, t, given):
        self.rows += len(x)
        return self.denoise(x, t, given)


@pytest.mark.parametrize("sampler", [DDIM(), Heun()])
@pytest.mark.parametrize(
    "guidance",
    [
        ClassifierFree(scale=2.0),
        ClassifierFree(scale=1),
        ClassifierFree(scale=0),
        ClassifierFree(scale=0, rescale=0.5),
        ClassifierFree(scale=2.0, interval=(3, 15)),
        ClassifierFree(scale=0, interval=(3, 15)),
        Auto(scale=2.0),
        Auto(scale=1),
        Auto(scale=0),
        Classifier(scale=2.0),
    ],
    ids=repr,
)
def test_evaluations_are_what_a_counting_denoiser_counts(sampler, guidance):
    counting = CountingRows(gaussian_denoiser(SCHEDULE, 0.2, 0.5))
    if guidance.reads == "classifier":
        guidance = guidance.using(lambda x, t: -(x.reshape(len(x), -1)[:, :3] ** 2))
    elif guidance.reads:
        guidance = guidance.using(counting)
    guided, times = guidance(counting, SCHEDULE), [19, 15, 7, 3, -1]
    said = {"labels": jnp.zeros(1, jnp.int32)}
    with jax.disable_jit():
        x = jnp.ones((1, 2))
        method, memory = sampler.along(times), sampler.init(x, said)
        for t, s in zip(times, times[1:], strict=False):
            keys = jax.random.split(jax.random.key(0), 1)
            step = method.step(
                lambda x, t: guided(x, t, said),
                SCHEDULE,
                x,
                jnp.int32(t),
                jnp.int32(s),
                keys,
                memory,
            )
            x, memory = step.x, step.memory
    assert counting.rows == nfe(guided, sampler, times)


def test_what_guidance_needs_is_asked_for_in_a_sentence(denoise):
    for method in (Classifier(), Auto()):
        with pytest.raises(InputError, match=f"guidance: {type(method).__name__} needs a "):
            method(denoise, SCHEDULE)
    for method in (ClassifierFree(), Classifier().using(lambda x, t: x)):
        with pytest.raises(InputError, match="guidance: classifier.* needs labels"):
            method(denoise, SCHEDULE)(jnp.zeros((1, *SHAPE)), 3, {})
    assert cost(ClassifierFree()(denoise, SCHEDULE), 3) == 2
