"""Distances and slopes, on powers of the number of steps; sweeps compile once."""

import jax
import numpy as np
import pytest
from conftest import tiny_experiment

from sfumato.errors import InputError
from sfumato.samplers import DDIM
from sfumato.sampling.convergence import Drawn, curve, fitted_order

pytestmark = pytest.mark.quick_compile


@pytest.mark.parametrize("order", [0.5, 1, 2, 3])
def test_the_slope_of_a_power_is_its_exponent(order):
    """d(N) = 3 N^-p, exactly; and a curve finds the same in images that far apart."""
    steps = [4, 8, 16, 50]
    distances = [3.0 * n**-order for n in steps]
    assert fitted_order(steps, distances) == pytest.approx(order)
    last = np.random.default_rng(0).normal(size=(2, 3, 3, 1))
    drawn = {
        f"{n}": Drawn(last + d, n // 2, n)
        for n, d in zip([*steps, 100], [*distances, 0], strict=True)
    }
    found = curve("mine", list(drawn), drawn)
    assert found.nfe == tuple(steps) and found.steps == tuple(n // 2 for n in steps)
    assert found.distances == pytest.approx(distances) and found.order == pytest.approx(order)


def test_a_slope_needs_two_distances():
    assert fitted_order([4, 8], [0.0, 0.1]) is None
    assert fitted_order([4, 8, 16], [0.2, 0.0, 0.05]) == pytest.approx(1)
    assert fitted_order([4, 4], [0.2, 0.1]) is None


def test_a_point_that_was_not_drawn():
    with pytest.raises(InputError, match="those of points/b are not among them"):
        curve("mine", ["points/b"], {})


def test_another_eta_is_found_in_the_cache_of_compiled_programs(schedule, tmp_path):
    """Each point of a sweep is a process of its own: the second one does not compile."""
    from jax.experimental.compilation_cache import compilation_cache

    from sfumato.diffusion.prediction import from_x_0
    from sfumato.sampling.batches import sample

    def denoise(x_t, t, given):
        return from_x_0(schedule, x_t, 0.5 * x_t, t)

    usual, counts = jax.config.jax_compilation_cache_dir, []
    try:
        jax.config.update("jax_compilation_cache_dir", str(tmp_path))
        compilation_cache.reset_cache()
        for eta, steps in ((0.3, 5), (0.7, 5), (0.7, 9), (0.0, 5)):
            jax.clear_caches()
            sample(
                denoise,
                schedule,
                DDIM(eta=eta),
                n_samples=2,
                timesteps=range(999, 0, -1000 // steps),
                key=jax.random.key(0),
                image_shape=(2, 2, 1),
            )
            counts.append(len(list(tmp_path.glob("*-cache"))))
    finally:
        jax.config.update("jax_compilation_cache_dir", usual)
        compilation_cache.reset_cache()
    assert 0 < counts[0] == counts[1] == counts[2] < counts[3]


def test_the_usual_chains_fit_the_usual_noise_steps():
    section = tiny_experiment({"diffusion": {"noise_steps": 1000}}).convergence
    assert max(section.steps) < 1000 and section.reference is None
