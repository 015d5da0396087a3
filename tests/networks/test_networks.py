"""What holds for every network, and for settings that fit none."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sfumato import networks
from sfumato.errors import InputError
from sfumato.networks.base import Network
from sfumato.networks.base_config import ImageConfig, NetworkConfig
from sfumato.networks.initialisation import initialise
from sfumato.networks.unet_config import UNetConfig

pytestmark = pytest.mark.quick_compile


@pytest.mark.parametrize("name", networks.names())
def test_a_network_predicts_something_of_the_shape_of_x(name):
    config = networks.config_class(name)(input_dim=(8, 8, 2), num_classes=3)
    assert isinstance(config, NetworkConfig) and config.architecture == name
    network = initialise(config, jax.random.key(0))
    assert isinstance(network, Network) and type(network) is networks.network_class(name)
    assert network.config == config
    x, t = jax.random.normal(jax.random.key(1), (3, 8, 8, 2)), jnp.array([0, 5, 999])
    network.eval()
    out = nnx.jit(network)(x, t, jnp.array([2, 0, -1]))
    assert out.shape == x.shape and out.dtype == jnp.float32 and np.isfinite(out).all()
    beyond = nnx.jit(network)(x, t, jnp.array([3, 0, 4]))  # classes that there are not
    assert np.isnan(beyond[0]).all() and np.isnan(beyond[2]).all()
    np.testing.assert_array_equal(beyond[1], out[1])


def test_files_are_the_networks():
    assert "unet" in networks.names()
    assert not {"base", "blocks", "denoiser", "unet_config"} & set(networks.names())
    for look_up in (networks.config_class, networks.network_class):
        with pytest.raises(InputError, match="architecture: 'vgg' must be one of .*unet"):
            look_up("vgg")


def test_settings_load_no_jax():
    said = "import sys; from sfumato import networks as n; n.config_class('unet')(); "
    done = subprocess.run([sys.executable, "-c", said + "sys.exit('jax' in sys.modules)"])
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"patch_size": 5}, "must divide height and width"),
        ({"channel_multipliers": (0,), "attention_levels": ()}, "whole numbers from 1 to 64"),
        ({"attention_levels": (3,)}, "levels of channel_multipliers, 0 to 2"),
        ({"attention_levels": (1, 1)}, "each level once"),
        ({"norm_groups": 5}, "divide the 32 channels of level 0"),
        ({"attention_heads": 5}, "divide the 64 channels of level 2"),
        ({"input_dim": (0, 28, 1)}, "each from 1 to 4096"),
        ({"architecture": "other"}, "must be unet"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said):
    with pytest.raises(InputError, match=said):
        UNetConfig(**settings)


def test_loading_images_reads_their_shape_alone():
    assert list(ImageConfig.model_fields) == ["input_dim"]
    assert issubclass(NetworkConfig, ImageConfig)
