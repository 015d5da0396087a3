"""Small affine changes of training images, of which the network is told.

With few images a network that learns for long learns them by heart. Each image is turned, resized,
stretched, sheared and moved a little, each with probability p, by an amount that is normal:

    angle    0.15 a_1 radians       height and width   2^(0.1 (a_2 + a_3)) and 2^(0.1 (a_2 - a_3))
    shear    0.15 a_4               move               1/28 of the side times (a_5, a_6)

The network is told a = (a_1 .. a_6), 0 for what was not done, and whether anything was, 1 or 0, by
a linear map without a bias that is added to its embedding. A sample is drawn with all of them 0,
where that map adds nothing: so nothing of it is kept, and no sample is bent. The last number is for
what reading between pixels does to an image, however small its change: it blurs it.

Karras et al. 2022, arXiv:2206.00364, appendix F.2. Theirs are larger changes, of photographs; these
are what another hand does to a digit.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

KINDS = 6
TOLD = KINDS + 1
"""How many numbers tell how an image was changed."""
_ANGLE, _SIZE, _SHEAR, _MOVE = 0.15, 0.1, 0.15, 1 / 28


def augment(key: jax.Array, images: jax.Array, probability: float) -> tuple[jax.Array, jax.Array]:
    """Change images (B, H, W, C) a little, and tell how: (B, TOLD), 0 where nothing was done."""
    chosen_key, amount_key = jax.random.split(key)
    shape = (len(images), KINDS)
    chosen = jax.random.bernoulli(chosen_key, probability, shape)
    amounts = jnp.where(chosen, jax.random.normal(amount_key, shape), 0)
    told = jnp.concatenate([amounts, chosen.any(axis=1, keepdims=True)], axis=1)
    return jax.vmap(changed)(images, amounts), told


def changed(image: jax.Array, amounts: jax.Array) -> jax.Array:
    """Change an image (H, W, C) by amounts (KINDS,).

    It is read linearly between its pixels; outside of it, its edge is repeated.
    """
    angle, size, stretch, shear, down, right = amounts
    sides = jnp.array(image.shape[:2])
    cos, sin = jnp.cos(_ANGLE * angle), jnp.sin(_ANGLE * angle)
    turn_back = jnp.array([[cos, sin], [-sin, cos]])
    shear_back = jnp.array([[1, -_SHEAR * shear], [0, 1]])
    scale = jnp.exp2(_SIZE * jnp.array([size + stretch, size - stretch]))
    middle, move = (sides - 1) / 2, _MOVE * sides * jnp.array([down, right])
    places = jnp.indices(image.shape[:2]).reshape(2, -1)
    sources = shear_back @ turn_back @ (places - (middle + move)[:, None]) / scale[:, None]
    sources = list(sources + middle[:, None])
    read = partial(map_coordinates, coordinates=sources, order=1, mode="nearest")
    return jax.vmap(read, in_axes=-1, out_axes=-1)(image).reshape(image.shape)
