"""The solvers of second and third order, against arithmetic in float64 that is not theirs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sfumato.diffusion.prediction import Prediction, prediction_of
from sfumato.diffusion.schedule import schedule_from_betas, schedule_from_rates
from sfumato.diffusion.times import spaced_timesteps
from sfumato.samplers import DDIM, DPMSolver, Heun, UniPC
from sfumato.sampling.chain import run_chain

pytestmark = pytest.mark.quick_compile

MEAN, STD = 0.7, 0.3
BETAS = np.linspace(1e-4, 0.02, 1000)


def run(denoise, schedule, sampler, times, x):
    """Take x (B, ...) along the times, and return where it ends, float64."""
    keys = jax.random.split(jax.random.key(0), len(x))
    times = [int(t) for t in times]
    x = jnp.asarray(x, jnp.float32)
    return np.float64(run_chain(denoise, schedule, sampler, times=times, keys=keys, x=x).x)


class Line:
    """A state c_1 x_T + c_0, and the prediction of x_0 there, of data N(MEAN, STD^2)."""

    def __init__(self, bars):  # noqa: D107
        self.alpha, self.sigma = np.sqrt(bars), np.sqrt(1 - bars)
        with np.errstate(divide="ignore"):
            self.lam = np.log(self.alpha / self.sigma)

    def x_0(self, x, t):
        a, s = self.alpha[t], self.sigma[t]
        gain = a * STD**2 / (a**2 * STD**2 + s**2)
        return gain * x + np.array([0, MEAN * (1 - gain * a)])

    def ddim(self, x, m, t, s):
        return self.alpha[s] * m + self.sigma[s] * (x - self.alpha[t] * m) / self.sigma[t]

    def two_m(self, times):
        x, before, old_t = np.array([1.0, 0.0]), None, None
        for t, s in zip(times, times[1:], strict=False):
            m = self.x_0(x, t)
            middle = m
            if before is not None and s >= 0:
                h, old_h = self.lam[s] - self.lam[t], self.lam[t] - self.lam[old_t]
                middle = (1 + h / old_h / 2) * m - h / old_h / 2 * before
            x, before, old_t = self.ddim(x, middle, t, s), m, t
        return x

    def heun(self, times):
        y = np.array([1.0, 0.0]) / self.alpha[times[0]]  # x / alpha, over r = sigma / alpha
        for t, s in zip(times, times[1:], strict=False):
            r, r_s = self.sigma[t] / self.alpha[t], self.sigma[s] / self.alpha[s]
            slope = (y - self.x_0(self.alpha[t] * y, t)) / r
            y_s = y + (r_s - r) * slope
            if s >= 0:
                slope_s = (y_s - self.x_0(self.alpha[s] * y_s, s)) / r_s
                y_s = y + (r_s - r) * (slope + slope_s) / 2
            y = y_s
        return y

    def unipc(self, times, variant):
        x = np.array([1.0, 0.0])
        seen = []  # time, corrected state, prediction
        for t, s in zip(times, times[1:], strict=False):
            m = self.x_0(x, t)
            if seen:
                (p, x_p, m_p), h = seen[-1], self.lam[t] - self.lam[seen[-1][0]]
                b = -h if variant == "bh1" else np.expm1(-h)
                change = (m - m_p) / 2
                if len(seen) > 1:
                    q, _, m_q = seen[-2]
                    r = (self.lam[q] - self.lam[p]) / h
                    phi = np.expm1(-h) / -h - 1
                    right = np.array([phi, 2 * (phi / -h - 0.5)]) / b
                    rho = np.linalg.solve([[1, 1], [r, 1]], right)
                    change = rho[0] * (m_q - m_p) / r + rho[1] * (m - m_p)
                x = self.ddim(x_p, m_p, p, t) - self.alpha[t] * b * change
            seen.append((t, x, m))
            new = self.ddim(x, m, t, s)
            if len(seen) > 1 and s >= 0:
                p, _, m_p = seen[-2]
                h = self.lam[s] - self.lam[t]
                b = -h if variant == "bh1" else np.expm1(-h)
                new -= self.alpha[s] * b / 2 * (m_p - m) / ((self.lam[p] - self.lam[t]) / h)
            x = new
        return x


@pytest.mark.parametrize("spacing", ["leading", "trailing"])
@pytest.mark.parametrize("steps", [1, 2, 3, 20])
def test_on_gaussian_data_every_solver_is_its_affine_map(steps, spacing):
    line = Line(np.append(np.cumprod(1 - BETAS), 1.0))
    schedule = schedule_from_betas(BETAS)
    times = [*spaced_timesteps(1000, steps, spacing), -1]
    x = np.linspace(-2, 2, 9)[:, None]

    def exact(x_t, t, given):
        alpha, sigma = schedule.rates(t, x_t)
        away = (x_t - alpha * MEAN) / (alpha**2 * STD**2 + sigma**2)
        return Prediction(MEAN + alpha * STD**2 * away, sigma * away)

    for sampler, expected in (
        (DPMSolver(order=1), DDIM()),
        (DPMSolver(), line.two_m(times)),
        (Heun(), line.heun(times)),
        (UniPC(), line.unipc(times, "bh2")),
        (UniPC(variant="bh1"), line.unipc(times, "bh1")),
    ):
        if isinstance(expected, DDIM):
            wanted = run(exact, schedule, expected, times, x)
        else:
            wanted = expected[0] * x + expected[1]
        np.testing.assert_allclose(run(exact, schedule, sampler, times, x), wanted, atol=1e-4)


def test_noise_of_the_stochastic_solver(schedule):
    """Order 1 on the exact denoiser of one point: the posterior of the forward process."""
    x_0, t, s, x_t = 0.3, 700, 400, 0.9
    bars = np.cumprod(1 - BETAS)
    said = lambda x, t: Prediction(jnp.full_like(x, x_0), jnp.zeros_like(x))  # noqa: E731
    x = jnp.full((200_000, 1), x_t)
    keys = jax.random.split(jax.random.key(3), len(x))
    sampler = DPMSolver(order=1, stochastic=True)
    drawn = sampler.step(said, schedule, x, t, s, keys, sampler.init(x, {})).x
    ratio = bars[t] / bars[s]
    precision = ratio / (1 - ratio) + 1 / (1 - bars[s])
    mean = (np.sqrt(ratio) * x_t / (1 - ratio) + np.sqrt(bars[s]) * x_0 / (1 - bars[s])) / precision
    z = (np.float64(drawn) - mean) * np.sqrt(precision)
    assert abs(z.mean()) < 4 / np.sqrt(z.size) + 1e-3
    assert abs(z.var() - 1) < 4 * np.sqrt(2 / z.size)


@pytest.mark.parametrize(
    ("sampler", "kind", "published"),
    [
        (DDIM(), "epsilon", 0.223967),
        (DDIM(), "v", 0.0684),
        (DPMSolver(), "epsilon", 0.3301),
        (DPMSolver(), "v", 0.2251),
        (UniPC(final_order=1), "epsilon", 0.2464),
        (UniPC(final_order=1), "v", 0.1014),
    ],
    ids=repr,
)
def test_the_values_that_diffusers_publishes(sampler, kind, published):
    """Of its own tests: the mean of |x| after 10 steps of a network that says x t / (t + 1)."""
    schedule = schedule_from_betas(BETAS)

    def denoise(x_t, t, given):
        return prediction_of(kind, schedule, x_t, x_t * t / (t + 1), t)

    even = np.linspace(0, 999, 11).round()[:0:-1]
    times = [*range(900, -1, -100), -1] if sampler == DDIM() else [*even, 0]
    x = (np.arange(768) / 768)[None]
    found = np.abs(run(denoise, schedule, sampler, times, x)).mean()
    assert found == pytest.approx(published, abs=6e-5)


def two_points():
    """Return the exact denoiser of (N(-1, 1/4) + N(1, 1/4)) / 2, at alpha and sigma."""

    def x_0(x, alpha, sigma, np):
        variance = alpha**2 / 4 + sigma**2
        weight = np.tanh(alpha * x / variance)
        return weight + alpha / 4 / variance * (x - alpha * weight)

    return x_0


def exact_end(x_0, x, first, last, steps=4000):
    """Integrate d(x / sigma) / d lambda = e^lambda x_0 by Runge and Kutta, in float64."""

    def rates(lam):
        return 1 / np.sqrt(1 + np.exp(-2 * lam)), 1 / np.sqrt(1 + np.exp(2 * lam))

    def slope(lam, y):
        alpha, sigma = rates(lam)
        return np.exp(lam) * x_0(y * sigma, alpha, sigma, np)

    y, h = x / rates(first)[1], (last - first) / steps
    for lam in first + h * np.arange(steps):
        k_1 = slope(lam, y)
        k_2 = slope(lam + h / 2, y + h / 2 * k_1)
        k_3 = slope(lam + h / 2, y + h / 2 * k_2)
        y = y + h / 6 * (k_1 + 2 * k_2 + 2 * k_3 + slope(lam + h, y + h * k_3))
    return y * rates(last)[1]


@pytest.mark.parametrize(
    ("sampler", "order"),
    [(DDIM(), 1), (DPMSolver(order=1), 1), (DPMSolver(), 2), (Heun(), 2), (UniPC(), 3)],
    ids=repr,
)
def test_the_order_is_what_the_papers_say(sampler, order):
    """Error against the number of steps, uniform in lambda from -4 to 3."""
    x, x_0, errors, counts = np.linspace(-2, 2, 33), two_points(), [], [10, 40, 160]
    wanted = exact_end(x_0, x, -4, 3)
    for steps in counts:
        lam = np.linspace(3, -4, steps + 1)
        rates = 1 / np.sqrt(1 + np.exp(-2 * lam)), 1 / np.sqrt(1 + np.exp(2 * lam))
        schedule = schedule_from_rates(*rates)

        def denoise(x_t, t, given, schedule=schedule):
            alpha, sigma = schedule.alpha(t), schedule.sigma(t)
            image = x_0(x_t, alpha, sigma, jnp)
            return Prediction(image, (x_t - alpha * image) / sigma)

        found = run(denoise, schedule, sampler, range(steps, -1, -1), x)
        errors.append(np.sqrt(np.mean((found - wanted) ** 2)))
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.15), errors
