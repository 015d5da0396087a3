"""The checkpoint that comes with the project, and what the docs say of it."""

import json
import re

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
from sfumato.evaluation.quality import Quality
from sfumato.evaluation.tables import table
from sfumato.guidance.clipping import Clipping
from sfumato.networks.denoiser import make_denoiser
from sfumato.networks.unet_config import UNetConfig
from sfumato.records.checkpoint import load_checkpoint
from sfumato.records.measurements import load_measurement
from sfumato.samplers import DDIM
from sfumato.sampling.batches import sample

FOLDER = ROOT / "resources" / "pretrained" / "mnist"
CARD, README, QUALITY = (
    path.read_text()
    for path in (FOLDER / "README.md", ROOT / "README.md", ROOT / "docs" / "quality.md")
)
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())
_, EXPERIMENTS = resolve(yaml.safe_load((ROOT / "config.yaml").read_text()))


@pytest.fixture(scope="module")
def quality():
    return load_measurement(Quality, FOLDER / "quality.json")


def test_it_is_small():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 10 * 2**20


def test_it_is_what_mnist_from_scratch_trains():
    made = MANIFEST["provenance"]
    assert made["script"] == "train.py"
    experiment = EXPERIMENTS["mnist_from_scratch"]
    assert made["settings"]["seed"] == experiment.seed
    for section in ("diffusion", "training"):  # settings that came later have their defaults
        schema = type(getattr(experiment, section))
        assert schema(**made["settings"][section]) == getattr(experiment, section)
    assert UNetConfig.model_validate(made["settings"]["model"]) == experiment.model
    data = made["inputs"]["data"]["provenance"]["settings"]["data"]
    assert DataConfig(**data) == experiment.data
    pretrained = EXPERIMENTS["mnist"]
    assert (ROOT / pretrained.weights.folder).samefile(FOLDER)
    assert (pretrained.model, pretrained.diffusion) == (experiment.model, experiment.diffusion)


def test_the_card_says_what_it_is(quality):
    assert MANIFEST["digest"] in CARD
    assert f"{MANIFEST['parameters']:,}" in CARD
    training = MANIFEST["provenance"]["settings"]["training"]
    assert f"{training['steps']:,} steps of {training['batch_size']}" in CARD
    assert f"{quality.classifier_accuracy:.1%}" in CARD
    assert table(quality) in (FOLDER / "metrics.md").read_text()


def digests(record):
    """Walk the digests of everything that a record names."""
    for origin in record["inputs"].values():
        yield origin["digest"]
        yield from digests(origin["provenance"])


def test_the_numbers_are_of_this_checkpoint(quality):
    record = quality.provenance.model_dump()
    adopted = MANIFEST["stored_before"]  # the weights had this digest when they were measured
    runs = {name: set(digests({"inputs": {name: o}})) for name, o in record["inputs"].items()}
    assert len(runs) == (1 + len(quality.rows)) * quality.floor.seeds
    for name, found in runs.items():
        assert (adopted in found) != ("/floor/" in name)


def shown(quality):
    """Return the runs that docs/quality.md shows."""
    return [
        quality.row(sampler="ddpm", steps=1000),
        quality.row(sampler="ddim", steps=50, eta=0.0),
        quality.row(sampler="ddim", steps=20, eta=0.0),
    ]


def test_the_docs_have_the_measured_numbers(quality):
    ddpm, ddim, _ = shown(quality)
    assert table(quality, shown(quality)) in QUALITY
    times = re.search(r"DDIM with 50 steps took 1/(\d+) of the time of DDPM with 1000", QUALITY)
    assert times and int(times.group(1)) == round(ddpm.seconds_per_sample / ddim.seconds_per_sample)


def test_it_draws_digits():
    """A classifier that learned real digits is sure of most samples; of noise it is not."""
    data = load_images(DataConfig(n_images=2000, n_test=100), (28, 28, 1))
    fit, key = Fit(steps=150, batch_size=32), jax.random.key(0)
    images, labels = data["train_images"], data["train_labels"]
    classifier = train_classifier(images, labels, 10, fit, key=key)
    experiment = EXPERIMENTS["mnist"]
    network, _ = load_checkpoint(FOLDER, experiment.model, experiment.diffusion)
    schedule = make_schedule(experiment.diffusion)
    denoise = make_denoiser(network, schedule, experiment.diffusion.prediction_type)
    drawn = sample(
        Clipping()(denoise, schedule),
        schedule,
        DDIM(),
        n_samples=32,
        timesteps=spaced_timesteps(1000, 20),
        key=stage_key(1, 3),
        image_shape=(28, 28, 1),
        micro_batch=32,
    )
    found = classifier.probabilities(drawn.images)
    real = classifier.probabilities(data["test_images"][:32])
    assert found.max(axis=1).mean() > 0.85 * real.max(axis=1).mean()
    assert len(np.unique(found.argmax(axis=1))) >= 6
    # Ink: digits cover as much of the picture as real ones do, within a quarter.
    share = (drawn.images > 0).mean() / (data["test_images"] > 0).mean()
    assert 0.75 < share < 1.25
