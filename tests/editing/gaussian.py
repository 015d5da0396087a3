"""A prior that is known: normal images of a few pixels, any covariance, and its exact denoiser."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from sfumato.config.samples import SampleConfig
from sfumato.config.validation import validate
from sfumato.diffusion.prediction import from_x_0
from sfumato.sampling.samples import join
from sfumato.sampling.walks import Walks


def exact_denoiser(schedule, mean, covariance):
    """Return E[x_0 | x_t] for x_0 ~ N(mean, covariance) over all pixels of an image."""
    variances, axes = np.linalg.eigh(covariance)
    arrays = (jnp.asarray(array, jnp.float32) for array in (mean, variances, axes))
    return Partial(_denoise, schedule, *arrays)


def _denoise(schedule, mean, variances, axes, x, t, given):
    alpha, sigma = schedule.alpha(t), schedule.sigma(t)
    gains = alpha * variances / (alpha**2 * variances + sigma**2)
    away = (x.reshape(len(x), -1) - alpha * mean) @ axes
    return from_x_0(schedule, x, (mean + gains * away @ axes.T).reshape(x.shape), t)


def conditional(mean, covariance, known, values):
    """Return mean and covariance of the other pixels where those at `known` have these values."""
    rest = np.setdiff1d(np.arange(len(mean)), known)
    gain = covariance[np.ix_(rest, known)] @ np.linalg.inv(covariance[np.ix_(known, known)])
    left = covariance[np.ix_(rest, rest)] - gain @ covariance[np.ix_(known, rest)]
    return mean[rest] + gain @ (values - mean[known]), left


def posterior(mean, covariance, operator, measured, noise):
    """Return mean and covariance of x where operator @ x + noise z is what was measured."""
    total = operator @ covariance @ operator.T + noise**2 * np.eye(len(operator))
    gain = covariance @ operator.T @ np.linalg.inv(total)
    return mean + gain @ (measured - operator @ mean), covariance - gain @ operator @ covariance


def walks(denoise, schedule, edit, arrays, *, n=1, shape=(2, 1, 1), **entry):
    """Return the chains of an entry with an edit."""
    settings = {"sampler": "ddim", "steps": 50, "clip": False, "edit": edit, **entry}
    config = validate(SampleConfig, settings)
    return Walks(config, denoise, schedule, jax.random.key(0), shape, n, arrays)


def draw(made, indices=None, **options):
    """Return the samples, and what is written beside them."""
    indices = range(made.total) if indices is None else indices
    options = {"micro_batch": len(indices)} | options
    given, _ = made.begin(indices, {}, **options)
    return join(made.end(indices, given, **options)), made.shown(given)
