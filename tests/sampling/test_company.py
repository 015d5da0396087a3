"""A sample has the same bytes whatever else is drawn with it."""

import jax
import numpy as np

from sfumato.diffusion.times import spaced_timesteps
from sfumato.guidance.clipping import Clipping
from sfumato.networks.denoiser import make_denoiser
from sfumato.networks.initialisation import initialise
from sfumato.networks.unet_config import UNetConfig
from sfumato.samplers import DDPM
from sfumato.sampling.batches import sample

SHAPE = (8, 8, 1)
NETWORK = UNetConfig(
    input_dim=SHAPE, channels=8, channel_multipliers=(1, 2), attention_levels=(1,), norm_groups=4
)


def test_the_network_gives_sample_i_the_same_bytes_whatever_else_is_drawn(schedule):
    network = initialise(NETWORK, jax.random.key(0))
    denoise = Clipping()(make_denoiser(network, schedule, "epsilon"), schedule)

    def draw(n_samples, micro_batch):
        return sample(
            denoise,
            schedule,
            DDPM(),
            timesteps=spaced_timesteps(1000, 6),
            key=jax.random.key(3),
            n_samples=n_samples,
            image_shape=SHAPE,
            micro_batch=micro_batch,
        ).images

    among = draw(10, micro_batch=4)
    for n in (1, 3, 4, 5):
        some = draw(n, micro_batch=4)
        np.testing.assert_array_equal(some, among[:n])
    five = draw(10, micro_batch=5)
    np.testing.assert_allclose(among, five, atol=1e-3)  # another sum, other roundings
