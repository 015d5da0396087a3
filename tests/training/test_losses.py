"""What is trained for, and how: losses and their weights, learning rate, AdamW, the EMA."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.training import TrainingConfig
from sfumato.diffusion.forward import forward
from sfumato.diffusion.prediction import from_x_0, target_of
from sfumato.diffusion.schedule import make_schedule, schedule_from_rates
from sfumato.training.ema import ema_decay, update_ema
from sfumato.training.losses import min_snr_weight, pixel_loss
from sfumato.training.optimiser import learning_rate, make_optimiser

pytestmark = pytest.mark.quick_compile

KINDS = ["epsilon", "x_0", "v", "u"]


# Losses


@pytest.mark.parametrize(
    ("kind", "expected"), [("mse", [0.25, 5]), ("l1", [0.5, 2]), ("huber", [0.125, 1.5])]
)
def test_the_loss_of_two_images_known_by_hand(kind, expected):
    """Their pixels are off by 1/2 and -1/2, and by 3 and -1: Huber's loss is linear beyond 1."""
    off = jnp.array([[0.5, -0.5], [3, -1]]).reshape(2, 1, 2, 1)
    target = jnp.array([[0.25, -1], [2, 0.5]]).reshape(2, 1, 2, 1)
    for sign in (1, -1):
        losses = pixel_loss(target + sign * off, target, kind)
        assert losses.shape == (2,)
        np.testing.assert_allclose(losses, expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["mse", "l1", "huber"])
def test_only_what_is_right_costs_nothing(kind):
    target = jax.random.normal(jax.random.key(0), (3, 4, 4, 2))
    np.testing.assert_array_equal(pixel_loss(target, target, kind), np.zeros(3))
    losses = pixel_loss(target.at[1, 0, 0, 0].add(0.1), target, kind)
    assert (np.asarray(losses) > 0).tolist() == [False, True, False]


SCHEDULES = {
    "linear": make_schedule(DiffusionConfig()),
    "cosine": make_schedule(DiffusionConfig(beta_schedule="cosine")),
    "path": schedule_from_rates(1 - np.arange(1, 100) / 100, np.arange(1, 100) / 100),
}
"""Two that preserve the variance, and the linear path of flow matching but for its end."""


@pytest.fixture(params=SCHEDULES)
def schedule(request):
    return SCHEDULES[request.param]


def rates(schedule):
    """Return the times of a schedule, and its alpha and sigma in float64."""
    t = jnp.arange(schedule.noise_steps)
    return t, *(np.asarray(table(t), np.float64) for table in (schedule.alpha, schedule.sigma))


@pytest.mark.parametrize("gamma", [0.5, 5.0, 1e9])
def test_one_error_weighs_the_same_however_it_is_said(schedule, gamma):
    """Hang et al. 2023, section 3.4: the weights make the losses of all kinds one.

    Of each time an image, its noise, and a wrong image with the noise that belongs to it.
    """
    t = rates(schedule)[0]
    keys = jax.random.split(jax.random.key(0), 3)
    x_0, eps, error = (jax.random.normal(key, (len(t), 4, 3, 2)) for key in keys)
    x_t = forward(schedule, x_0, eps, t)
    wrong = from_x_0(schedule, x_t, x_0 + error, t)
    losses = {
        kind: pixel_loss(
            target_of(kind, schedule, *wrong, t), target_of(kind, schedule, x_0, eps, t), "mse"
        )
        * min_snr_weight(kind, schedule, t, gamma)
        for kind in KINDS
    }
    for kind in KINDS:  # near pure noise an error of x_0 is 1e-2 of eps, which has 1e-7 of its own
        np.testing.assert_allclose(losses[kind], losses["x_0"], rtol=1e-3)


@pytest.mark.parametrize("gamma", [0.5, 5.0])
@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_weights_are_those_of_the_paper(name, gamma):
    """Hang et al. 2023, as published: for x_0, for epsilon, and for v."""
    t, alpha, sigma = rates(SCHEDULES[name])
    snr = alpha**2 / sigma**2
    published = {"x_0": 1, "epsilon": 1 / snr, "v": 1 / (snr + 1)}
    for kind, factor in published.items():
        weights = min_snr_weight(kind, SCHEDULES[name], t, gamma)
        np.testing.assert_allclose(weights, np.minimum(snr, gamma) * factor, rtol=1e-5)


def test_weights_on_the_linear_path():
    """An error of u = eps - x_0 is one of x_0 of sigma times its size."""
    t, alpha, sigma = rates(SCHEDULES["path"])
    weights = min_snr_weight("u", SCHEDULES["path"], t, 5.0)
    np.testing.assert_allclose(weights, np.minimum(alpha**2, 5 * sigma**2), rtol=1e-5)


@pytest.mark.parametrize(
    "settings", [{"path": "linear"}, {"zero_terminal_snr": True}], ids=["flow", "zero terminal SNR"]
)
@pytest.mark.parametrize("kind", ["x_0", "v", "u"])
def test_weights_where_alpha_is_0(settings, kind):
    """Pure noise tells nothing of the image: an error of x_0 there counts nothing."""
    schedule = make_schedule(DiffusionConfig(**settings, prediction_type=kind))
    weights = np.asarray(min_snr_weight(kind, schedule, rates(schedule)[0], 5.0))
    assert np.isfinite(weights).all() and (weights[:-1] > 0).all() and weights[-1] == 0


@pytest.mark.parametrize(
    ("alpha_bar", "expected"),
    [(0.9, [5, 5 / 9, 0.5]), (0.5, [1, 1, 0.5]), (0.2, [0.25, 1, 0.2])],
)
def test_weights_known_by_hand(alpha_bar, expected):
    """Signal to noise 9, 1 and 1/4, of which 5 are let through."""
    schedule = schedule_from_rates(np.array([alpha_bar**0.5]), np.array([(1 - alpha_bar) ** 0.5]))
    kinds = ("x_0", "epsilon", "v")
    weights = [min_snr_weight(kind, schedule, jnp.array([0]), 5.0) for kind in kinds]
    np.testing.assert_allclose(np.concatenate(weights), expected, rtol=1e-5)


@pytest.mark.parametrize("gamma", [0.5, 5.0])
def test_weights_are_bounded(schedule, gamma):
    """No time counts more than gamma for x_0, and none more than uniformly for epsilon and u."""
    t = rates(schedule)[0]
    weights = {kind: np.asarray(min_snr_weight(kind, schedule, t, gamma)) for kind in KINDS}
    for kind, most in (("x_0", gamma), ("epsilon", 1), ("u", 1)):
        assert (weights[kind] > 0).all() and weights[kind].max() <= most * (1 + 1e-6)
    assert (np.diff(weights["x_0"]) <= 0).all() and (np.diff(weights["epsilon"]) >= -1e-6).all()
    assert weights["x_0"][0] == np.float32(gamma)  # both cases of the minimum are there
    assert weights["epsilon"][-1] == pytest.approx(1)


# The optimiser


def optimise(gradients, parameters=None, **settings):
    """Return the updates that follow from a list of gradients, and the rate at each."""
    config = TrainingConfig(**{"steps": 100, "warmup_steps": 0, "weight_decay": 0.0} | settings)
    optimiser, updates = make_optimiser(config), []
    parameters = jax.tree.map(jnp.zeros_like, gradients[0]) if parameters is None else parameters
    state = optimiser.init(parameters)
    for gradient in gradients:
        update, state = optimiser.update(gradient, state, parameters)
        updates.append(update)
    return updates, [float(learning_rate(config)(step)) for step in range(len(gradients))]


def test_the_rate_rises_in_a_line_and_falls_in_half_a_cosine():
    config = TrainingConfig(steps=1000, warmup_steps=100, learning_rate=2e-3)
    rate = np.array([learning_rate(config)(step) for step in range(1001)])
    assert rate[0] == 0
    np.testing.assert_allclose(rate[[25, 50, 100]], [5e-4, 1e-3, 2e-3], rtol=1e-5)
    np.testing.assert_allclose(rate[[400, 550, 700, 1000]], [1.5e-3, 1e-3, 5e-4, 0], atol=1e-9)
    assert (np.diff(rate[:101]) > 0).all() and (np.diff(rate[100:]) < 0).all()


def test_without_warm_up_the_rate_begins_at_its_peak():
    config = TrainingConfig(steps=10, warmup_steps=0, learning_rate=0.5)
    assert learning_rate(config)(0) == 0.5


def test_a_constant_gradient_moves_by_the_rate():
    """Adam: the mean of the gradients is g, and the root of that of their squares |g|."""
    gradient = {"kernel": jnp.array([[0.3, -0.2]]), "bias": jnp.array([0.1])}
    updates, rates = optimise([gradient] * 20, warmup_steps=10, learning_rate=0.5)
    assert rates[0] == 0 and rates[10] == 0.5
    for update, rate in zip(updates, rates, strict=True):
        for name, leaf in update.items():
            np.testing.assert_allclose(leaf, -rate * np.sign(gradient[name]), rtol=1e-4)


@pytest.mark.parametrize("size", [1.0, 1e3, 1e9])
def test_a_huge_gradient_moves_no_further_than_the_longest_allowed(size):
    """After gradients of norm 2, the longest allowed, one of any length is the same again."""
    gradient = {"kernel": jnp.array([[1.2, 0.0]]), "bias": jnp.array([-1.6])}
    assert optax.tree.norm(gradient) == 2
    huge = jax.tree.map(lambda leaf: size * leaf, gradient)
    updates, rates = optimise([gradient, gradient, huge, gradient], clip_norm=2.0)
    for update, rate in zip(updates, rates, strict=True):
        np.testing.assert_allclose(update["kernel"], [[-rate, 0]], rtol=1e-4)
        np.testing.assert_allclose(update["bias"], [rate], rtol=1e-4)


def test_a_gradient_within_the_limit_keeps_its_length():
    """A step of the same sign, but after a longer one: it is shorter than the rate."""
    long, short = {"a": jnp.array([[2.0]])}, {"a": jnp.array([[0.02]])}
    updates, rates = optimise([long, *[short] * 5], clip_norm=2.0)
    sizes = np.abs([float(update["a"][0, 0]) for update in updates])
    assert sizes[0] == pytest.approx(rates[0], rel=1e-4)
    assert (sizes[1:] < 0.8 * np.array(rates[1:])).all() and (np.diff(sizes) < 0).all()


def test_weight_decay_leaves_what_has_one_axis_alone():
    """With no gradient a kernel shrinks by rate times decay, as AdamW decouples the two."""
    parameters = {"kernel": jnp.full((2, 3), 4.0), "bias": jnp.full(3, 4.0), "scale": jnp.ones(2)}
    none = jax.tree.map(jnp.zeros_like, parameters)
    (update,), _ = optimise([none], parameters, learning_rate=0.5, weight_decay=0.25)
    np.testing.assert_allclose(update["kernel"], np.full((2, 3), -0.5), rtol=1e-6)
    for name in ("bias", "scale"):
        np.testing.assert_array_equal(update[name], none[name])


@pytest.mark.parametrize("decay", [0.5, 0.999, 0.9999])
def test_a_young_average_forgets_quickly_and_an_old_one_as_it_is_told(decay):
    decays = np.asarray(ema_decay(np.arange(200_000), decay))
    assert decays[0] == pytest.approx(0.1)
    assert (np.diff(decays) >= 0).all() and decays.max() == np.float32(decay) == decays[-1]
    assert ema_decay(0, 0.0) == ema_decay(5, 0.0) == 0


def test_the_average_of_a_constant_is_the_constant():
    """From 1, with weights 0, what is left is the product of the decays: 1/10, 2/11, 3/12."""
    average = {"kernel": jnp.ones(2)}
    for step in range(3):
        average = update_ema(average, {"kernel": jnp.zeros(2)}, jnp.array(step), 0.999)
    np.testing.assert_allclose(average["kernel"], 1 / 10 * 2 / 11 * 3 / 12, rtol=1e-5)
