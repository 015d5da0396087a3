"""The classifier of noisy images: it learns, says so, and is the same each time."""

import jax
import numpy as np
import pytest
from conftest import slow

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.guidance_classifier import GuidanceClassifierConfig
from sfumato.diffusion.schedule import make_schedule
from sfumato.errors import InputError
from sfumato.networks.guidance_classifier import LogProbability
from sfumato.training.guidance_classifier import accuracies, train_guidance_classifier

pytestmark = pytest.mark.quick_compile

SCHEDULE = make_schedule(DiffusionConfig(noise_steps=20, beta_end=0.3))
KEY = jax.random.key(0)
LABELS = np.arange(60) % 3
IMAGES = np.full((60, 8, 8, 1), -1, np.float32)
for i, label in enumerate(LABELS):
    IMAGES[i, :, 3 * label : 3 * label + 2] = 1  # a bar, in a place of its class


def trained(images=IMAGES, labels=LABELS, key=KEY, **config):
    config = GuidanceClassifierConfig(**{"steps": 25, "batch_size": 12, **config})
    return train_guidance_classifier(images, labels, SCHEDULE, config, key=key)


@pytest.fixture(scope="module")
def classifier():
    return trained()


def test_it_learns_and_noise_hides_the_class(classifier):
    at = accuracies(classifier, IMAGES, LABELS, SCHEDULE, np.array([0, 19]), key=KEY)
    assert at[0] == 1 and at[1] < 0.8
    log_p = ask(classifier, IMAGES[:6], 0)
    assert log_p.shape == (6, 3)
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1, rtol=1e-5)


def test_one_key_gives_one_classifier(classifier):
    again, other = trained(), trained(key=jax.random.key(1))
    for name, weight in classifier.weights().items():
        np.testing.assert_array_equal(again.weights()[name], weight)
    assert digest(other) != digest(classifier)


ask = jax.jit(lambda classifier, x, t: classifier(x, t))


def digest(classifier):
    return b"".join(weight.tobytes() for weight in classifier.weights().values())


@pytest.mark.parametrize(
    "setting", [{"steps": 24}, {"learning_rate": 2e-3}, slow({"batch_size": 11})], ids=str
)
def test_every_setting_changes_it(classifier, setting):
    assert digest(trained(**setting)) != digest(classifier)


def test_its_weights_are_taken_back(classifier):
    again = LogProbability.from_weights(classifier.weights(), (8, 8, 1), 3)
    assert again.n_classes == 3
    np.testing.assert_array_equal(ask(again, IMAGES[:6], 3), ask(classifier, IMAGES[:6], 3))
    with pytest.raises(InputError, match="weights: head.bias has the shape"):
        LogProbability.from_weights(classifier.weights(), (8, 8, 1), 4)


@pytest.mark.parametrize("labels", [np.full(60, -1), np.zeros(60, int)])
def test_images_of_less_than_two_classes(labels):
    with pytest.raises(InputError, match="images of at least two classes"):
        trained(labels=labels)


def test_a_learning_rate_that_is_too_high():
    images = IMAGES * np.float32(1e30)
    with pytest.raises(InputError, match="guidance_classifier.learning_rate: with 1 the weights"):
        trained(images=images, steps=3, learning_rate=1.0)
