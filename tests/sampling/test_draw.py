"""An entry of `samples` with its network: what each sample is given."""

import jax.numpy as jnp
import numpy as np
import pytest

from sfumato.compute.randomness import stage_key
from sfumato.config.samples import SampleConfig
from sfumato.diffusion.prediction import from_x_0
from sfumato.sampling.draw import Entry
from sfumato.sampling.samples import join
from sfumato.sampling.walks import Walks

pytestmark = pytest.mark.quick_compile


@pytest.fixture
def entry(schedule):
    """Return a function that makes an entry, whose denoiser draws the label of each sample."""

    def denoise(x_t, t, given):
        labels = given.get("labels", jnp.full(len(x_t), -5))
        x_0 = jnp.broadcast_to(labels[:, None, None, None] / 10, x_t.shape)
        return from_x_0(schedule, x_t, x_0, t)

    def make(**settings):
        fixed = {"sampler": "ddim", "clip": False, "steps": 2}
        config = SampleConfig.model_validate({**fixed, **settings})
        walks = Walks(config, denoise, schedule, stage_key(0, 3), (2, 2, 1), config.n_samples)
        return Entry("mine", walks, 2, {})

    return make


def drawn(entry, indices, snapshots=()):
    return join(entry.draw(indices, snapshots)).images.mean((1, 2, 3)) * 10


def test_samples_take_labels_in_turn(entry):
    labels = [3, 8, -1]
    np.testing.assert_allclose(drawn(entry(labels=labels), range(5)), [3, 8, -1, 3, 8], atol=1e-4)
    np.testing.assert_allclose(drawn(entry(labels=labels), range(4, 6)), [8, -1], atol=1e-4)
    np.testing.assert_allclose(drawn(entry(labels=7), range(2)), [7, 7], atol=1e-4)


def test_without_labels_nothing_is_given(entry):
    np.testing.assert_allclose(drawn(entry(), range(3)), [-5] * 3, atol=1e-4)
