"""Small changes of training images: what they do to an image, and that no sample shows them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy.ndimage import affine_transform
from small_run import IMAGES, network, run, undisturbed_run, weights

from sfumato.errors import InputError
from sfumato.training.augmentation import KINDS, TOLD, augment, changed
from sfumato.training.told import Told, learner, learnt

pytestmark = pytest.mark.quick_compile
PICTURE = np.random.default_rng(0).uniform(-1, 1, (9, 11, 2)).astype(np.float32)


def test_an_image_is_changed_as_scipy_changes_it():
    """The map of places is built here from its definition, forwards, and inverted by NumPy."""
    amounts = np.array([0.7, -1.2, 0.4, 1.1, 1.5, -0.8])
    angle, shear = 0.15 * amounts[0], 0.15 * amounts[3]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    slant = np.array([[1, shear], [0, 1]])
    scale = np.diag(2.0 ** (0.1 * (amounts[1] + np.array([1, -1]) * amounts[2])))
    middle = (np.array([9, 11]) - 1) / 2
    back = np.linalg.inv(scale) @ np.linalg.inv(turn @ slant)
    move = np.array([9, 11]) * amounts[4:] / 28
    expected = [
        affine_transform(channel, back, middle - back @ (middle + move), order=1, mode="nearest")
        for channel in PICTURE.transpose(2, 0, 1)
    ]
    found = changed(jnp.asarray(PICTURE), jnp.asarray(amounts, jnp.float32))
    np.testing.assert_allclose(found, np.stack(expected, axis=-1), atol=1e-5)


def test_no_amount_is_no_change():
    np.testing.assert_array_equal(changed(jnp.asarray(PICTURE), jnp.zeros(KINDS)), PICTURE)


def test_it_tells_what_it_did():
    images = jnp.broadcast_to(PICTURE, (400, *PICTURE.shape))
    after, told = jax.tree.map(np.asarray, augment(jax.random.key(3), images, 0.25))
    assert told.shape == (400, TOLD)
    np.testing.assert_allclose((told[:, :KINDS] != 0).mean(axis=0), 0.25, atol=0.09)
    np.testing.assert_allclose(told[told[:, 0] != 0, 0].std(), 1, atol=0.25)
    np.testing.assert_array_equal(told[:, -1], (told[:, :KINDS] != 0).any(axis=1))
    same = (after == PICTURE).all(axis=(1, 2, 3))
    np.testing.assert_array_equal(same, told[:, -1] == 0)
    for i in range(0, 400, 50):
        np.testing.assert_allclose(after[i], changed(images[i], told[i, :KINDS]), atol=1e-6)


def test_a_network_is_told_by_its_embedding_and_hears_nothing_of_zeros():
    told = Told(network())
    told.project.kernel[...] = jax.random.normal(jax.random.key(0), told.project.kernel.shape)
    x, t = jnp.asarray(IMAGES[:2]), jnp.array([3, 30])
    plain = network()(x, t)
    np.testing.assert_array_equal(told(x, t, told=jnp.zeros((2, TOLD))), plain)
    assert (np.abs(told(x, t, told=jnp.ones((2, TOLD))) - plain) > 0).all()


def test_what_is_learnt_is_the_network_alone():
    trained = nnx.state(learner(network(), 0.5), nnx.Param)
    alone = learnt(network(), 0.5, trained)
    assert type(alone) is type(network())
    for ours, theirs in zip(weights(alone), weights(network()), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_training_with_changes_ends_with_other_weights_of_the_same_network():
    ours, history = run(augmentation=0.3)
    theirs, _ = undisturbed_run()
    assert [leaf.shape for leaf in ours] == [leaf.shape for leaf in theirs]
    assert any((a != b).any() for a, b in zip(ours, theirs, strict=True))
    assert np.isfinite(history["loss"]).all()


def test_training_with_changes_repeats_itself():
    first, second = run(augmentation=0.3)[0], run(augmentation=0.3)[0]
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


def test_a_network_that_cannot_be_told_is_refused():
    mute = nnx.clone(network())  # that one is shared
    del mute.embed
    with pytest.raises(InputError, match="training.augmentation: one_block has no embedding"):
        learner(mute, 0.5)
