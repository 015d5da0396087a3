"""The orderings that papers report: what docs/published_shapes.md says of our digits."""

from functools import partial

import jax
import numpy as np
import pytest
import yaml
from conftest import ROOT

from sfumato.compute.randomness import stage_key
from sfumato.config.data import DataConfig
from sfumato.config.resolve import resolve
from sfumato.data.images import load_images
from sfumato.diffusion.schedule import make_schedule
from sfumato.diffusion.times import spaced_timesteps
from sfumato.evaluation.classifier_training import Fit, train_classifier
from sfumato.evaluation.frechet import frechet_distance
from sfumato.evaluation.quality import Quality
from sfumato.evaluation.tables import interval
from sfumato.guidance.clipping import Clipping
from sfumato.networks.denoiser import make_denoiser
from sfumato.records.checkpoint import load_checkpoint
from sfumato.records.measurements import load_measurement
from sfumato.samplers import DDIM, DDPM, DPMSolver, UniPC
from sfumato.sampling.batches import sample

STORED = ROOT / "resources" / "pretrained" / "mnist" / "published_shapes.json"
PAGE = (ROOT / "docs" / "published_shapes.md").read_text()
STEPS = (10, 20, 50, 100, 1000)
ETAS = (0.0, 0.2, 0.5, 1.0)


def run_of(quality, steps, **settings):
    """Return a run, or None where there is no such run."""
    for run in quality.rows:
        if settings.items() <= run.settings.items() and run.settings["steps"] == steps:
            return run
    return None


def shown(run, score):
    """Write a score of the one seed, and its 95 % interval."""
    return f"{run.mean[score]:.3g} ({interval(run, score)})"


METHODS = {f"DDIM, eta {eta:g}": {"sampler": "ddim", "eta": eta} for eta in ETAS}
METHODS["DDPM, variance large"] = {"sampler": "ddpm", "variance": "large"}


def stochastic(quality, score):
    """Write a score of DDIM with each eta, and of DDPM with the large variance, by steps."""
    lines = [f"| steps | {' | '.join(map(str, STEPS))} |", "|" + "---|" * (1 + len(STEPS))]
    for name, settings in METHODS.items():
        runs = [run_of(quality, steps, **settings) for steps in STEPS]
        cells = (f"{run.mean[score]:.3g}" if run else "" for run in runs)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def few(quality):
    """Write the scores of about ten and of more evaluations, by solver."""
    names = {"ddim": "DDIM", "dpm_solver": "DPM-Solver++", "unipc": "UniPC", "heun": "Heun"}
    lines = ["| | network evaluations | FD-LeNet | two-sample accuracy |", "|---|---|---|---|"]
    for sampler, name in names.items():
        for run in quality.rows:
            if run.settings["sampler"] == sampler and not run.settings.get("eta"):
                scores = (shown(run, score) for score in ("fd_lenet", "two_sample_accuracy"))
                lines.append(f"| {name} | {run.nfe} | {' | '.join(scores)} |")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def quality():
    return load_measurement(Quality, STORED)


def test_the_page_has_the_measured_numbers(quality):
    for score in ("two_sample_accuracy", "fd_lenet"):
        assert stochastic(quality, score) in PAGE
        assert shown(quality.floor, score) in PAGE
    assert few(quality) in PAGE


def test_what_the_page_says_of_them(quality):
    """Of FD-LeNet, and of how often samples are told from real digits."""

    def score(name, steps, sampler="ddim", **settings):
        run = run_of(quality, steps, sampler=sampler, **settings)
        assert run is not None
        return run.mean[name]

    told, far = partial(score, "two_sample_accuracy"), partial(score, "fd_lenet")
    noisy = far(10, "ddpm"), far(10, eta=1.0)
    assert noisy[0] > noisy[1] > max(far(10, eta=eta) for eta in ETAS[:3]) == far(10, eta=0.0)
    for steps in (10, 20, 50):
        assert sorted(ETAS, key=lambda eta: told(steps, eta=eta)) == [0.5, 1.0, 0.2, 0.0]  # noqa: B023
    best = min(run.mean["two_sample_accuracy"] for run in quality.rows)
    assert told(1000, "ddpm") == best
    low, high = quality.floor.intervals["two_sample_accuracy"]
    assert low < best < high
    for each in (told, far):
        assert max(each(10, "dpm_solver"), each(10, "unipc")) < each(10, eta=0.0)
    ahead = [far(n, "heun") / far(m, eta=0.0) for n, m in ((5, 10), (10, 20), (25, 50))]
    assert ahead[0] > 1.3 and abs(ahead[1] - 1) < 0.02 and 0.95 < ahead[2] < 1


@pytest.fixture(scope="module")
def drawn():
    """Return a function that draws 100 digits, the same noise for every sampler."""
    _, experiments = resolve(yaml.safe_load((ROOT / "config.yaml").read_text()))
    mnist = experiments["mnist"]
    folder = ROOT / "resources" / "pretrained" / "mnist"
    network, _ = load_checkpoint(folder, mnist.model, mnist.diffusion)
    schedule = make_schedule(mnist.diffusion)
    predict = make_denoiser(network, schedule, mnist.diffusion.prediction_type)

    def of(sampler, steps):
        samples = sample(
            Clipping()(predict, schedule),
            schedule,
            sampler,
            n_samples=100,
            timesteps=spaced_timesteps(1000, steps),
            key=stage_key(0, 3),
            image_shape=(28, 28, 1),
            micro_batch=50,
        )
        return np.asarray(samples.images)

    return of


@pytest.mark.slow
def test_unipc_is_nearest_to_the_limit_at_ten_evaluations(drawn):
    """From the same noise, all of them end at the images of many steps of DDIM."""
    limit = drawn(DDIM(), 250)
    near = {
        repr(sampler): np.sqrt(((drawn(sampler, steps) - limit) ** 2).mean())
        for sampler, steps in ((DDIM(), 10), (DPMSolver(), 10), (UniPC(), 10))
    }
    ddim, dpm_solver, unipc = near.values()
    assert unipc < 0.8 * ddim and abs(dpm_solver / ddim - 0.9) < 0.05, near


@pytest.mark.slow
def test_the_large_variance_is_worst_at_ten_steps(drawn):
    data = load_images(DataConfig(n_test=1000), (28, 28, 1))
    fit, key = Fit(steps=600, batch_size=64), jax.random.key(0)
    classifier = train_classifier(data["train_images"], data["train_labels"], 10, fit, key=key)
    real = classifier.features(data["test_images"])

    def distance(sampler, steps):
        return frechet_distance(real, classifier.features(drawn(sampler, steps)))

    large = DDPM(variance="large")
    worst = distance(large, 10)
    assert worst > 1.05 * max(distance(DDIM(eta=eta), 10) for eta in ETAS)
    assert worst > 1.05 * distance(large, 100)
