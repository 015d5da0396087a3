"""The network as a denoiser: times, labels, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sfumato.diffusion.prediction import prediction_of
from sfumato.diffusion.schedule import schedule_from_rates
from sfumato.errors import InputError
from sfumato.networks.denoiser import make_denoiser
from sfumato.networks.initialisation import initialise
from sfumato.networks.unet_config import UNetConfig

pytestmark = pytest.mark.quick_compile

SMALL = UNetConfig(
    input_dim=(4, 4, 1),
    channels=4,
    channel_multipliers=(1,),
    attention_levels=(),
    norm_groups=2,
    num_classes=3,
    dropout=0.5,
)
X = jax.random.normal(jax.random.key(1), (3, 4, 4, 1))


@pytest.fixture(scope="module")
def network():
    return initialise(SMALL, jax.random.key(0))


def test_it_says_what_the_network_says_in_evaluation_mode(network, schedule):
    network.train()
    said = make_denoiser(network, schedule, "v")(X, 7, {})
    network.eval()
    output = network(X, jnp.full(3, 7))
    for ours, expected in zip(said, prediction_of("v", schedule, X, output, 7), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_labels_of_what_is_given_reach_the_network(network, schedule):
    ask = jax.jit(lambda labels: make_denoiser(network, schedule, "v")(X, 7, {"labels": labels}))
    first, second = (ask(jnp.array(labels)).x_0 for labels in ([0, 1, 2], [0, 2, 2]))
    np.testing.assert_array_equal(first[::2], second[::2])
    assert np.abs(first[1] - second[1]).max() > 1e-3
    none = ask(jnp.full(3, -1)).x_0
    np.testing.assert_allclose(none, make_denoiser(network, schedule, "v")(X, 7, {}).x_0, atol=1e-5)


def test_epsilon_is_refused_where_it_tells_nothing_of_the_image(network):
    time = np.arange(1, 11) / 10
    path = schedule_from_rates(1 - time, time)
    with pytest.raises(InputError, match="choose x_0, v or u"):
        make_denoiser(network, path, "epsilon")
    assert np.isfinite(make_denoiser(network, path, "u")(X, 9, {}).x_0).all()
