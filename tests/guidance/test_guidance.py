"""Denoisers around denoisers: their contract, clipping, and what a call costs."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import gaussian_denoiser
from pydantic import Field
from pydantic.dataclasses import dataclass

from sfumato.diffusion.forward import forward
from sfumato.diffusion.prediction import Prediction, cost, from_x_0
from sfumato.errors import InputError
from sfumato.guidance import Guidance, guidance_class, names
from sfumato.guidance.clipping import Clipping, clipping
from sfumato.guidance.dynamic_threshold import DynamicThreshold

pytestmark = pytest.mark.quick_compile


@dataclass(frozen=True)
class Stronger(Guidance):
    """A toy: x_0 times a scale, for which the denoiser inside is asked twice, late times apart."""

    traced: ClassVar[tuple[str, ...]] = ("scale",)

    scale: float = Field(default=1.0)

    def predict(self, denoise, schedule, x_t, t, given):
        mean = (denoise(x_t, t, given).x_0 + denoise(x_t, t, {}).x_0) / 2
        return from_x_0(schedule, x_t, self.scale * mean, t)

    def cost(self, t, inner):
        return inner(t) if t > 900 else 2 * inner(t)


def says(x_0):
    """Return a denoiser that predicts the same image, whatever it is asked."""
    return lambda x_t, t, given: Prediction(x_0, x_t)


def test_clipping_keeps_x_t_whole(schedule):
    x_t, x_0 = jnp.array([[3.0, 0.1, -2.5]]), jnp.array([[1.4, -0.3, -7.0]])
    said = Clipping()(says(x_0), schedule)(x_t, 300, {})
    np.testing.assert_array_equal(said.x_0, jnp.array([[1.0, -0.3, -1.0]]))
    np.testing.assert_allclose(forward(schedule, *said, 300), x_t, rtol=1e-6)


def test_clipping_leaves_what_is_in_range(schedule):
    x_t = jnp.array([[0.5, 0.1, -0.6]])
    inside = gaussian_denoiser(schedule, 0.1, 0.05)
    for kept, said in zip(
        inside(x_t, 300, {}), Clipping()(inside, schedule)(x_t, 300, {}), strict=True
    ):
        np.testing.assert_allclose(said, kept, rtol=1e-5)


def thresholded(x_0, percentile):
    """Return Imagen's pseudocode, arXiv:2205.11487, appendix A.32, for each image, in float64."""
    done = []
    for image in np.float64(x_0):
        s = np.percentile(np.abs(image).ravel(), percentile)
        s = max(s, 1.0)
        done.append(np.clip(image, -s, s) / s)
    return np.stack(done)


@pytest.mark.parametrize("percentile", [50, 90, 99.5, 100])
def test_dynamic_thresholding_is_of_each_image_alone(schedule, percentile):
    x_0 = jnp.stack(
        [
            scale * jax.random.normal(jax.random.key(i), (5, 4, 3))
            for i, scale in enumerate((0.2, 1.0, 30.0))
        ]
    )
    x_t = jax.random.normal(jax.random.key(9), x_0.shape)
    around = DynamicThreshold(percentile)
    said = around(says(x_0), schedule)(x_t, 300, {})
    np.testing.assert_allclose(said.x_0, thresholded(x_0, percentile), rtol=2e-5, atol=1e-6)
    assert np.abs(said.x_0).max() <= 1
    np.testing.assert_allclose(forward(schedule, *said, 300), x_t, rtol=1e-4, atol=1e-5)
    alone = around(says(x_0[2:]), schedule)(x_t[2:], 300, {})
    np.testing.assert_allclose(alone.x_0[0], said.x_0[2], rtol=1e-6)


def test_dynamic_thresholding_leaves_what_is_in_range(schedule):
    x_0 = jnp.linspace(-1, 1, 32).reshape(2, 4, 4)
    said = DynamicThreshold(80.0)(says(x_0), schedule)(0 * x_0, 300, {})
    np.testing.assert_array_equal(said.x_0, x_0)


def test_one_program_serves_every_percentile(schedule):
    traces, denoise = [], says(jnp.ones((1, 2)))

    @jax.jit
    def ask(guided):
        traces.append(guided)
        return guided(jnp.ones((1, 2)), 5, {}).x_0

    for percentile in (50.0, 99.5, 100.0):
        ask(DynamicThreshold(percentile)(denoise, schedule))
    assert len(traces) == 1


def test_what_an_entry_asks_for():
    found = [clipping(clip, 99.0) for clip in (True, False, "dynamic")]
    assert found == [Clipping(), None, DynamicThreshold(99.0)]
    for percentile in (0, 101, "99"):
        with pytest.raises(InputError, match="percentile"):
            DynamicThreshold(percentile)


def test_they_wrap_one_another_and_say_what_they_cost(schedule):
    x_t = jnp.ones((1, 2))
    guided = Clipping()(Stronger(scale=3.0)(says(0.2 * x_t), schedule), schedule)
    np.testing.assert_allclose(guided(x_t, 5, {}).x_0, [[0.6, 0.6]], rtol=1e-6)
    twice = Stronger()(guided, schedule)
    assert [cost(each, 5) for each in (says(x_t), guided, twice)] == [1, 2, 4]
    assert [cost(each, 950) for each in (says(x_t), guided, twice)] == [1, 1, 1]


def test_one_program_serves_every_scale(schedule):
    """But for 0 and 1, for which a method may leave out what it multiplies."""
    traces, denoise = [], says(jnp.ones((1, 2)))

    @jax.jit
    def ask(guided):
        traces.append(guided)
        return guided(jnp.ones((1, 2)), 5, {}).x_0

    for scale in (2.0, 3.5, 7.0):
        guided = Stronger(scale=scale)(denoise, schedule)
        np.testing.assert_allclose(ask(guided), [[scale, scale]], rtol=1e-6)
    assert len(traces) == 1


def test_given_reaches_the_denoiser_inside(schedule):
    def label(x_t, t, given):
        return Prediction(jnp.full_like(x_t, given.get("labels", jnp.zeros(1))[0]), x_t)

    said = Clipping()(label, schedule)(jnp.zeros((1, 2)), 5, {"labels": jnp.full(1, 0.5)})
    np.testing.assert_array_equal(said.x_0, [[0.5, 0.5]])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [np.float64, np.int64])
def test_a_prediction_is_not_cast_to_the_type_that_a_caller_gives(kind, schedule):
    half = lambda x_t, t, given: Prediction(jnp.full(x_t.shape, 0.5), jnp.zeros(x_t.shape))  # noqa: E731
    said = Clipping()(half, schedule)(np.zeros((1, 2), kind), 5, {})
    np.testing.assert_array_equal(said.x_0, [[0.5, 0.5]])


def test_knobs_are_checked():
    with pytest.raises(InputError, match="scael"):
        Stronger(scael=2)


def test_names():
    assert not {"base", "guided", "clipping", "dynamic_threshold"} & set(names())
    with pytest.raises(InputError, match="'tilting' is not known"):
        guidance_class("tilting")
    for name in names():
        assert issubclass(guidance_class(name), Guidance)
