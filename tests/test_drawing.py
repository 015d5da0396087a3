"""Edits of images in Python: images in, images out, and a sentence for what is wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sfumato import DDPMModel, ModelConfig
from sfumato.errors import InputError

pytestmark = [pytest.mark.quick_compile, pytest.mark.filterwarnings("ignore:alpha_bar_T")]
TINY = {"channels": 2, "channel_multipliers": [1], "attention_levels": [], "norm_groups": 2}
SHAPE = (8, 8, 1)


@pytest.fixture(scope="module")
def model():
    parameters = {"noise_steps": 20, "num_classes": 3, **TINY}
    config = ModelConfig(name="tiny", input_dim=SHAPE, parameters=parameters)
    return DDPMModel(config, rngs=nnx.Rngs(0))


IMAGES = np.random.default_rng(0).uniform(-1, 1, (3, *SHAPE)).astype(np.float32)
MASK = np.zeros((8, 8))
MASK[:4] = 1


def check(drawn, n):
    assert drawn.shape == (n, *SHAPE) and drawn.dtype == jnp.float32
    assert np.isfinite(drawn).all()


def test_inpaint(model):
    drawn = model.inpaint(IMAGES, MASK, resample=2, steps=4)
    check(drawn, 3)
    np.testing.assert_array_equal(drawn[:, :4], IMAGES[:, :4])
    assert (drawn[:, 4:] != IMAGES[:, 4:]).all()


@pytest.mark.slow
def test_inpaint_in_other_ways(model):
    several = model.inpaint(IMAGES[0], MASK.astype(bool), n_samples=4, steps=2, scheduler="ddpm")
    check(several, 4)
    assert (several[0] != several[1]).any()
    each = model.inpaint(IMAGES, np.stack([MASK, 1 - MASK, MASK]), steps=2, labels=[0, 1, -1])
    np.testing.assert_array_equal(each[1, 4:], IMAGES[1, 4:])


def test_vary(model):
    near, far = (model.vary(IMAGES, strength=s, steps=10, rngs=nnx.Rngs(1)) for s in (0.2, 0.9))
    check(near, 3)
    assert np.abs(near - IMAGES).mean() < np.abs(far - IMAGES).mean()


@pytest.mark.slow
def test_vary_with_guidance(model):
    check(model.vary(IMAGES[0], n_samples=2, steps=5, guidance_scale=2.0, labels=1), 2)


def test_invert_and_reconstruct(model):
    noise = model.invert(IMAGES, steps=20)
    check(noise, 3)
    again = [np.abs(model.reconstruct(IMAGES, steps=s) - IMAGES).mean() for s in (5, 20)]
    assert again[1] < again[0]
    # The way back from the noise is that of any sample.
    back = model.sample(noise=noise, scheduler="ddim", steps=20, clip=False)
    np.testing.assert_array_equal(back, model.reconstruct(IMAGES, steps=20))


def test_interpolate(model):
    check(model.interpolate(0, 3, n=4, steps=3), 4)
    between = model.interpolate(IMAGES[0], IMAGES[1], n=3, steps=20)
    check(between, 3)
    again = model.reconstruct(IMAGES[:2], steps=20)
    np.testing.assert_allclose(between[0], again[0], atol=1e-3)
    np.testing.assert_allclose(between[-1], again[1], atol=1e-3)


def test_restore(model):
    small = IMAGES.reshape(3, 4, 2, 4, 2, 1).mean((2, 4))
    check(model.restore(small, {"downsample": 2}, steps=4), 3)


@pytest.mark.slow
def test_restore_in_other_ways(model):
    small = IMAGES.reshape(3, 4, 2, 4, 2, 1).mean((2, 4))
    check(model.restore(small[0], {"downsample": 2}, method="dps", steps=4, n_samples=2), 2)
    check(model.restore(IMAGES, mask=MASK, steps=4, scheduler="heun"), 3)


@pytest.mark.slow
def test_the_same_rngs_draw_the_same(model):
    one, two = (model.vary(IMAGES, steps=4, rngs=nnx.Rngs(3)) for _ in range(2))
    np.testing.assert_array_equal(one, two)


GREY, WRONG = np.zeros((8, 8)), np.zeros((8, 9))
CASES = {
    "mask of another size": (lambda m: m.inpaint(IMAGES, WRONG), "mask: its shape (8, 9) must be"),
    "mask in colour": (lambda m: m.inpaint(IMAGES, np.zeros((8, 8, 3))), "mask: its shape (8, 8,"),
    "mask of nothing": (lambda m: m.inpaint(IMAGES, GREY), "mask: the mask knows nothing"),
    "mask of everything": (lambda m: m.inpaint(IMAGES, 1 + GREY), "the mask knows everything"),
    "mask of halves": (lambda m: m.inpaint(IMAGES, GREY + 0.5), "mask: holds 0.5 to 0.5, and mus"),
    "masks for others": (lambda m: m.inpaint(IMAGES, np.ones((2, 8, 8))), "mask: its shape (2, 8"),
    "levels": (
        lambda m: m.vary(127.5 * (IMAGES + 1)),
        "of levels 0 to 255 make images / 127.5 - 1",
    ),
    "levels of bytes": (
        lambda m: m.restore((IMAGES > 0).astype(np.uint8), {"blur": 1}),
        "uint8, run from 0 to 1, and those of images must be in [-1, 1]; of levels 0 and 1 make 2",
    ),
    "truth values": (lambda m: m.vary(IMAGES > 0), "bool, run from 0 to 1, and those of images m"),
    "out of range": (lambda m: m.vary(2 * IMAGES), "images: run from -1.9"),
    "not finite": (lambda m: m.vary(IMAGES * np.nan), "images: holds NaN or infinities"),
    "another shape": (
        lambda m: m.vary(IMAGES[..., 0]),
        "images: its shape (3, 8, 8) must be (N, 8",
    ),
    "no image": (lambda m: m.vary(IMAGES[:0]), "images: its shape (0, 8, 8, 1) must be (N, 8, 8"),
    "strength": (lambda m: m.vary(IMAGES, strength=1.5), "Vary.strength: 1.5 must be at most 1"),
    "no strength": (lambda m: m.vary(IMAGES, strength=0), "Vary.strength: 0 must be greater than"),
    "few steps": (lambda m: m.vary(IMAGES, strength=0.1, steps=2), "strength: 0.1 starts below"),
    "resample": (lambda m: m.inpaint(IMAGES, MASK, resample=0), "Inpaint.resample: 0 must be at"),
    "noise of another shape": (
        lambda m: m.sample(noise=IMAGES[..., 0], steps=2),
        "noise: its shape (3, 8, 8) must be (N, 8, 8, 1)",
    ),
    "ragged mask": (lambda m: m.inpaint(IMAGES, [[1], [1, 0]]), "mask: [[1], [1, 0]] must be an"),
    "text as a mask": (lambda m: m.inpaint(IMAGES, MASK.astype(str)), "mask: array([['1.0', '1.0"),
    "complex mask": (lambda m: m.inpaint(IMAGES, MASK + 0j), "must be an array of numbers, real a"),
    "masked mask": (
        lambda m: m.restore(IMAGES, mask=np.ma.masked_equal(MASK, 1)),
        "must be an array of numbers, real and not masked",
    ),
    "traced mask": (
        lambda m: jax.jit(lambda k: m.restore(IMAGES, mask=k))(MASK),
        "jax traces it; call this outside jit, grad and vmap",
    ),
    "noise of an edit": (
        lambda m: m.vary(IMAGES, noise=IMAGES),
        "noise: an edit takes none; it is an option of `sample` alone",
    ),
    "noise of others": (
        lambda m: m.sample(4, noise=IMAGES, steps=2),
        "noise: is that of 3 samples, and 4 are asked for",
    ),
    "number": (
        lambda m: m.inpaint(IMAGES, MASK, n_samples=2),
        "n_samples: 2 must be 3, the number",
    ),
    "clip": (lambda m: m.invert(IMAGES, clip=True), "clip: must be false: what is clipped cannot"),
    "sampler": (lambda m: m.reconstruct(IMAGES, scheduler="ddpm"), "sampler: must be ddim, with"),
    "unknown": (lambda m: m.vary(IMAGES, scheduler="dim"), "sampler 'dim' is not known"),
    "option": (lambda m: m.vary(IMAGES, stepz=3), "stepz: ddim has no such setting"),
    "number in its place": (lambda m: m.vary(IMAGES, arrays=3), "arrays: ddim has no such setting"),
    "edit": (lambda m: m.sample(2, edit={"kind": "vary"}), "edit: ddpm has no such setting"),
    "random": (lambda m: m.restore(IMAGES, {"random": 0.5}), "operator: random does not say which"),
    "measured levels": (
        lambda m: m.restore(127.5 * (IMAGES + 1), {"blur": 1.0}),
        "of levels 0 to 255 make measured / 127.5 - 1",
    ),
    "ends": (lambda m: m.interpolate(IMAGES, IMAGES), "a, b: must be one image each"),
    "one end": (lambda m: m.interpolate(1, 1), "second: 1 is edit.first too"),
    "few": (lambda m: m.interpolate(0, 1, n=1), "n: 1 must be at least 2"),
    "no operator": (lambda m: m.restore(IMAGES), "operator: name one, such as {'downsample': 2}"),
    "bare operator": (lambda m: m.restore(IMAGES, 2), "operator: 2 must be of the kind of {'downs"),
    "operator": (
        lambda m: m.restore(IMAGES, {"blurr": 2}),
        "Restore.operator: {'blurr': 2} must b",
    ),
    "measured": (
        lambda m: m.restore(IMAGES, {"downsample": 2}),
        "measured: its shape (3, 8, 8, 1)",
    ),
    "twice": (
        lambda m: m.restore(IMAGES, {"blur": 1}, method="dps", scheduler="heun"),
        "sampler: must ask once a step for dps",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_said_in_a_sentence(name, model):
    call, said = CASES[name]
    with pytest.raises(InputError) as caught:
        call(model)
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_not_handed_over(value):
    """As of a network whose training went astray elsewhere."""
    model = DDPMModel(ModelConfig(name="broken", input_dim=SHAPE, parameters=TINY))
    broken = jax.tree.map(lambda a: jnp.full_like(a, value), nnx.state(model.network))
    nnx.update(model.network, broken)
    with pytest.raises(InputError, match=r"images: 100.0% of the values drawn are NaN"):
        model.sample(1, steps=2)
    with pytest.raises(InputError, match=r"noise: 100.0% of the values drawn are NaN"):
        model.invert(IMAGES, steps=2)


def test_whole_numbers_may_be_jax_s(model):
    ours = model.interpolate(0, 1, n=3, steps=2, rngs=nnx.Rngs(1))
    n, a, b = jnp.array([3, 0, 1])
    theirs = model.interpolate(a, b, n=n, steps=2, rngs=nnx.Rngs(1))
    np.testing.assert_array_equal(ours, theirs)


def test_what_is_hardly_meant_is_said(caplog):
    parameters = {"noise_steps": 20, "beta_schedule": "cosine", **TINY}
    model = DDPMModel(ModelConfig(name="tiny", input_dim=SHAPE, parameters=parameters))
    model.sample(2, scheduler="ddim", steps=2, spacing="leading")
    assert "spacing: with leading the chain starts at t = " in caplog.text
    caplog.clear()
    model.sample(2, scheduler="ddim", steps=2)
    assert not caplog.text
