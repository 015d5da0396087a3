"""Every sampler on every schedule, prediction, spacing and number of steps: finite, and near."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import some_quick
from test_samplers import VARIANTS

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.samples import ChainConfig
from sfumato.diffusion.prediction import KINDS, Prediction
from sfumato.diffusion.schedule import make_schedule
from sfumato.samplers import DDIM, DDPM
from sfumato.sampling.chain import Chain, advance, begin, lay_out

pytestmark = pytest.mark.quick_compile

MEAN, STD, T = 0.7, 0.3, 60
MANY = 50
ALIKE = (DDPM(), DDIM(eta=1.0))  # their programs are those of others, but for a number
ENDS_IN_NOISE = {"path": "linear"}, {"zero_terminal_snr": True}
SETTINGS = [
    *({"beta_schedule": name} for name in ("linear", "cosine", "sigmoid", "scaled_linear")),
    *ENDS_IN_NOISE,
    {"zero_terminal_snr": True, "beta_schedule": "cosine"},
]
CASES = [
    (diffusion, kind, steps, spacing)
    for diffusion in SETTINGS
    for kind in KINDS
    if kind != "epsilon" or not (diffusion.get("path") or diffusion.get("zero_terminal_snr"))
    for steps in (1, 2, 3, 5, 10, 50, T)
    for spacing in ("trailing", "leading", "logsnr", "karras")
]


@jax.tree_util.Partial
def says(schedule, kind, x_t, t, given):
    """Say what a network of that kind says of N(MEAN, STD^2), and take it as sampling does."""
    alpha, sigma = schedule.rates(t, x_t)
    away = (x_t - alpha * MEAN) / (alpha**2 * STD**2 + sigma**2)
    x_0, eps = MEAN + alpha * STD**2 * away, sigma * away
    told = [
        each.prediction(alpha, sigma, x_t, each.target(alpha, sigma, x_0, eps))
        for each in KINDS.values()
    ]
    return Prediction(*(jnp.stack(parts)[kind] for parts in zip(*told, strict=True)))


@partial(jax.jit, static_argnames="sampler")
def ends(sampler, schedules, kinds, times, lengths, x, keys):
    """Return where the chains end, one for each row: (cases, B)."""

    def one(schedule, kind, times, length):
        slots = jnp.zeros(len(times), jnp.int32)
        chain = Chain(partial(says, schedule, kind), schedule, times, slots, keys, {})
        return advance(sampler, chain, begin(sampler, x, {}), 0, length).x

    return jax.vmap(one)(schedules, kinds, times, lengths)


def laid_out():
    """Return the arguments of all cases; one program serves all, also those that end in noise."""
    schedules, kinds, times, lengths = [], [], [], []
    for diffusion, kind, steps, spacing in CASES:
        config = DiffusionConfig(**diffusion, noise_steps=T, prediction_type=kind, beta_end=0.3)
        schedules.append(jax.tree.leaves(make_schedule(config)))
        kinds.append(list(KINDS).index(kind))
        visited = ChainConfig(sampler="ddim", steps=steps, spacing=spacing).times(config)
        times.append(lay_out([*visited, -1], (), T)[0])
        lengths.append(len(visited))
    like = jax.tree.structure(make_schedule(DiffusionConfig(noise_steps=T, beta_end=0.3)))
    tables = [np.stack(tables) for tables in zip(*schedules, strict=True)]
    stacked = jax.tree.unflatten(like, tables)
    return stacked, np.array(kinds), np.stack(times), np.array(lengths)


@pytest.fixture(scope="module")
def cases():
    return laid_out()


@pytest.mark.parametrize("sampler", some_quick(VARIANTS, lambda each: each not in ALIKE), ids=repr)
def test_every_chain_is_finite_and_ends_near_the_data(sampler, cases):
    """Chains of many steps, from the last time on, end within 6 standard deviations."""
    x, keys = jnp.array([[-2.0], [0.0], [2.0]]), jax.random.split(jax.random.key(0), 3)
    found = np.asarray(ends(sampler, *cases, x, keys))
    wrong = [case for case, x_0 in zip(CASES, found, strict=True) if not np.isfinite(x_0).all()]
    assert wrong == []
    far = [
        (case, x_0.ravel())
        for case, x_0 in zip(CASES, found, strict=True)
        if np.abs(x_0 - MEAN).max() > 6 * STD and case[2] >= MANY and case[3] != "leading"
    ]
    assert far == []
