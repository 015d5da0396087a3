"""The checkpoints that come with the project, and what the docs say of them."""

import json
import re
import subprocess
from pathlib import Path

import jax
import numpy as np
import pytest
import yaml
from conftest import ROOT, slow

from sfumato.compute.randomness import stage_key
from sfumato.config.data import DataConfig
from sfumato.config.resolve import resolve
from sfumato.data.images import load_images
from sfumato.diffusion.schedule import make_schedule
from sfumato.diffusion.times import spaced_timesteps
from sfumato.evaluation.bits import Likelihood
from sfumato.evaluation.classifier_training import Fit, train_classifier
from sfumato.evaluation.quality import Quality
from sfumato.evaluation.tables import class_table, likelihood_table, markdown, table
from sfumato.guidance.clipping import Clipping
from sfumato.networks.denoiser import make_denoiser
from sfumato.networks.unet_config import UNetConfig
from sfumato.records.checkpoint import load_checkpoint
from sfumato.records.measurements import load_measurement
from sfumato.samplers import UniPC
from sfumato.sampling.batches import sample

NAMES = ("mnist", "digits", "fashion")
"""Each is a folder, an experiment that draws with it, and one that trains it."""
TRAINED_BY = {name: f"{name}_from_scratch" for name in NAMES} | {"mnist": "mnist_from_digits"}
PRETRAINED = ROOT / "resources" / "pretrained"
CARDS, MANIFESTS = (
    {name: read(PRETRAINED / name / file) for name in NAMES}
    for file, read in (
        ("README.md", Path.read_text),
        ("manifest.json", lambda path: json.loads(path.read_text())),
    )
)
QUALITY, GUIDANCE = ((ROOT / "docs" / f"{page}.md").read_text() for page in ("quality", "guidance"))
_, EXPERIMENTS = resolve(yaml.safe_load((ROOT / "config.yaml").read_text()))


@pytest.fixture(scope="module")
def qualities():
    return {name: load_measurement(Quality, PRETRAINED / name / "quality.json") for name in NAMES}


@pytest.fixture(scope="module")
def quality(qualities):
    return qualities["mnist"]


def test_they_are_small():
    """Each checkpoint, and all that a clone brings."""
    for name in NAMES:
        files = (path for path in (PRETRAINED / name / "state").rglob("*") if path.is_file())
        assert sum(path.stat().st_size for path in files) < 5e6, name
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    tracked = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert sum(path.stat().st_size for path in tracked if path.is_file()) < 20e6


@pytest.mark.parametrize("name", NAMES)
def test_it_is_what_is_trained_from_scratch(name):
    made = MANIFESTS[name]["provenance"]
    assert made["script"] == "train.py"
    experiment, pretrained = EXPERIMENTS[TRAINED_BY[name]], EXPERIMENTS[name]
    assert made["settings"]["seed"] == experiment.seed
    for section in ("diffusion", "training"):  # settings that came later have their defaults
        schema = type(getattr(experiment, section))
        assert schema(**made["settings"][section]) == getattr(experiment, section)
    assert UNetConfig.model_validate(made["settings"]["model"]) == experiment.model
    data = made["inputs"]["data"]["provenance"]["settings"]["data"]
    places = {"folder": experiment.data.folder, "url": experiment.data.url}  # where it was then
    assert DataConfig(**data | places) == experiment.data
    assert (ROOT / pretrained.weights.folder).samefile(PRETRAINED / name)
    assert (pretrained.model, pretrained.diffusion) == (experiment.model, experiment.diffusion)


def test_that_of_mnist_was_trained_on_from_that_of_digits():
    begun = MANIFESTS["mnist"]["provenance"]["inputs"]["initial"]["provenance"]
    assert begun["inputs"]["pretrained"]["digest"] == MANIFESTS["digits"]["digest"]
    weights = EXPERIMENTS["mnist_from_digits"].weights
    assert weights.source == begun["settings"]["weights"]["source"] == "finetuned"
    assert (ROOT / weights.folder).samefile(PRETRAINED / "digits")


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_what_it_is(name, qualities):
    manifest, card, quality = MANIFESTS[name], CARDS[name], qualities[name]
    assert manifest["digest"] in card
    assert f"{manifest['parameters']:,}" in card
    training = manifest["provenance"]["settings"]["training"]
    assert f"{training['steps']:,} steps of {training['batch_size']}" in card
    assert f"{quality.classifier_accuracy:.1%}" in card
    assert markdown(table(quality)) in (PRETRAINED / name / "metrics.md").read_text()


def digests(record):
    """Walk the digests of everything that a record names."""
    for origin in record["inputs"].values():
        yield origin["digest"]
        yield from digests(origin["provenance"])


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_are_of_this_checkpoint(name, qualities):
    quality, manifest = qualities[name], MANIFESTS[name]
    record = quality.provenance.model_dump()
    inputs = {n: origin for n, origin in record["inputs"].items() if n.endswith("metrics.json")}
    runs = {name: set(digests({"inputs": {name: origin}})) for name, origin in inputs.items()}
    assert len(runs) == (1 + len(quality.rows)) * quality.floor.seeds
    for name, found in runs.items():
        assert (manifest["digest"] in found) != ("/floor/" in name)


def shown(quality):
    """Return the runs that docs/quality.md shows."""
    return [
        quality.row(sampler="ddpm", steps=1000),
        quality.row(sampler="ddim", steps=50, eta=0.0),
        quality.row(sampler="ddim", steps=10, eta=0.0),
        quality.row(sampler="dpm_solver", steps=15),
        quality.row(sampler="unipc", steps=10),
        quality.row(sampler="unipc", steps=15),
    ]


def test_the_docs_have_the_measured_numbers(quality):
    ddpm, ddim, *_ = shown(quality)
    assert markdown(table(quality, shown(quality))) in QUALITY
    times = re.search(r"DDIM with 50 steps took 1/(\d+) of the time of DDPM with 1000", QUALITY)
    assert times and int(times.group(1)) == round(ddpm.seconds_per_sample / ddim.seconds_per_sample)


def test_the_docs_have_what_many_samples_without_classes_score():
    many = load_measurement(Quality, PRETRAINED / "mnist" / "quality_1000.json")
    text = markdown(table(many))
    assert text in QUALITY and text == (PRETRAINED / "mnist" / "quality_1000.md").read_text()
    assert MANIFESTS["mnist"]["digest"] in set(digests(many.provenance.model_dump()))
    at_random = load_measurement(Quality, PRETRAINED / "digits" / "at_random.json")
    drawn, none = at_random.row(labels="random").mean, at_random.row(labels=None).mean
    sde, ode = many.rows
    assert many.n_samples == at_random.n_samples and (sde.nfe, ode.nfe) == (50, 20)
    assert sde.settings["stochastic"] is True
    assert drawn["fd_lenet"] < sde.mean["fd_lenet"] < ode.mean["fd_lenet"] < none["fd_lenet"]
    for name in ("precision", "density", "coverage"):
        assert drawn[name] > sde.mean[name] > ode.mean[name] > none[name]
    told = "two_sample_accuracy"
    assert [round(100 * each.mean[told]) for each in (sde, ode, many.floor)] == [58, 57, 54]


def test_digits_of_any_class_are_measured():
    path = PRETRAINED / "digits" / "at_random.json"
    measured = load_measurement(Quality, path)
    text = markdown(table(measured))
    assert text in QUALITY and text == path.with_suffix(".md").read_text()
    assert MANIFESTS["digits"]["digest"] in set(digests(measured.provenance.model_dump()))
    drawn, none = measured.row(labels="random").mean, measured.row(labels=None).mean
    floor, spread = measured.floor.mean, measured.floor.spread
    for score, sign in {"fd_lenet": 1, "precision": -1, "recall": -1}.items():
        assert sign * (drawn[score] - floor[score]) < 2 * spread[score], "as good as real images"
        if score != "recall":
            assert sign * (none[score] - floor[score]) > 5 * spread[score], "clearly worse"


def test_few_evaluations_are_no_worse_than_fifty_of_ddim(quality):
    """As the README says: within the spread over seeds, by distance and by a classifier."""
    said = "UniPC with 15 evaluations draws digits no worse than DDIM with 50"
    assert said in " ".join((ROOT / "README.md").read_text().split())
    few = quality.row(sampler="unipc", steps=15)
    many = quality.row(sampler="ddim", steps=50, eta=0.0)
    for score in ("fd_lenet", "two_sample_accuracy"):
        spread = np.hypot(few.spread[score], many.spread[score])
        assert few.mean[score] < many.mean[score] + spread, score
    assert few.nfe == 15 and many.nfe == 50


def test_more_evaluations_bring_samples_nearer(quality):
    """As docs/quality.md says: for each solver without noise, down to about DDPM's distance."""
    last = quality.row(sampler="ddpm", steps=1000)
    for sampler in ("ddim", "dpm_solver", "unipc"):
        runs = [each for each in quality.rows if each.settings["sampler"] == sampler]
        runs = [each for each in runs if not each.settings.get("eta")]
        distances = [each.mean["fd_lenet"] for each in sorted(runs, key=lambda each: each.nfe)]
        assert len(distances) == 5 and distances == sorted(distances, reverse=True)
        assert abs(distances[-1] - last.mean["fd_lenet"]) < last.spread["fd_lenet"]


def test_the_docs_have_the_scores_of_digits_by_class(qualities):
    digits = qualities["digits"]
    assert markdown(table(digits)) in QUALITY and digits.n_samples == 1000
    said = markdown(class_table(digits)).splitlines()
    assert all(line in QUALITY for line in said if not line.startswith("| UniPC-10"))
    assert markdown(class_table(digits)) in (PRETRAINED / "digits" / "metrics.md").read_text()


def test_what_the_docs_say_of_digits_by_class(qualities):
    digits = qualities["digits"]
    ddpm, unipc = digits.row(sampler="ddpm"), digits.row(sampler="unipc", steps=20)
    for row in (ddpm, unipc):
        for score in ("fd_lenet", "recall", "coverage"):
            spread = row.spread[score] + digits.floor.spread[score]
            worse = row.mean[score] - digits.floor.mean[score]
            assert (worse if score == "fd_lenet" else -worse) < spread, (row.run, score)
        assert row.mean["memorised"] < digits.floor.mean["memorised"]
        assert 1 - row.mean["class_accuracy"] == pytest.approx(0.03, abs=0.005)
    guided, told = digits.row(sampler="unipc", steps=16), "two_sample_accuracy"
    assert {round(100 * row.mean[told]) for row in (ddpm, unipc, guided)} == {57, 58, 59}
    assert round(100 * (1 - guided.mean["class_accuracy"])) == 2 and guided.nfe == unipc.nfe == 20
    floor, mean = digits.floor, guided.mean  # as good as was asked for, by every score
    assert mean[told] <= 0.58 and mean["class_accuracy"] >= 0.97
    assert mean["fd_lenet"] <= 1.3 * floor.mean["fd_lenet"]
    assert mean["precision"] >= 0.88 and mean["recall"] >= 0.9
    assert mean["memorised"] < floor.mean["memorised"] + floor.spread["memorised"]
    assert round(100 * digits.floor.mean["two_sample_accuracy"]) == 53
    sizes = unipc.by_size
    assert [round(sizes["fd_lenet"][i]) for i in (0, -1)] == [31, 6]


def test_the_docs_have_the_measured_scores_of_guidance():
    for name in ("digits", "fashion"):
        file = "guidance.json" if name == "digits" else "quality.json"
        assert markdown(table(load_measurement(Quality, PRETRAINED / name / file))) in GUIDANCE


@pytest.mark.parametrize(("name", "other"), [("digits", "fashion"), ("fashion", "digits")])
def test_the_docs_have_the_measured_likelihood(name, other):
    measured = load_measurement(Likelihood, PRETRAINED / name / "likelihood.json")
    assert markdown(likelihood_table(measured)) in QUALITY
    assert MANIFESTS[name]["digest"] in set(digests(measured.provenance.model_dump()))
    sets = {each.name: each for each in measured.sets}
    assert [*sets] == ["training", "held out", other]
    for each in sets.values():
        assert each.bound.mean > each.flow.mean > each.pixels.mean
        assert each.chain.mean == pytest.approx(sum(each.terms), rel=1e-4)
    # Clothes cost the network of digits more than any digits, by many standard errors; and digits
    # cost the network of clothes less than clothes.
    theirs, own = sets[other].flow, sets["held out"].flow
    errors = (theirs.mean - own.mean) / np.hypot(theirs.error, own.error)
    assert errors > 5 if name == "digits" else errors < -2


@pytest.mark.parametrize("name", ["digits", slow("mnist")])
def test_it_draws_digits(name):
    """A classifier that learned real digits is sure of most samples, and right where one is asked.

    Of noise it is not sure.
    """
    data = load_images(DataConfig(n_images=2000, n_test=100), (28, 28, 1))
    steps = {"digits": 150, "mnist": 300}[name]
    fit, key = Fit(steps=steps, batch_size=32), jax.random.key(0)
    images, labels = data["train_images"], data["train_labels"]
    classifier = train_classifier(images, labels, 10, fit, key=key)
    experiment = EXPERIMENTS[name]
    network, _ = load_checkpoint(PRETRAINED / name, experiment.model, experiment.diffusion)
    schedule = make_schedule(experiment.diffusion)
    denoise = make_denoiser(network, schedule, experiment.diffusion.prediction_type)
    asked = np.arange(32) % 10 if experiment.model.num_classes else None
    drawn = sample(
        Clipping()(denoise, schedule),
        schedule,
        UniPC(),
        n_samples=32,
        timesteps=spaced_timesteps(1000, 12),
        key=stage_key(1, 3),
        image_shape=(28, 28, 1),
        micro_batch=32,
        given={} if asked is None else {"labels": asked.astype(np.int32)},
    )
    found = classifier.probabilities(drawn.images)
    real = classifier.probabilities(data["test_images"][:32])
    assert found.max(axis=1).mean() > 0.85 * real.max(axis=1).mean()
    if asked is None:
        assert len(np.unique(found.argmax(axis=1))) >= 6
    else:
        assert (found.argmax(axis=1) == asked).mean() > 0.8
    # Ink: digits cover as much of the picture as real ones do, within a quarter.
    share = (drawn.images > 0).mean() / (data["test_images"] > 0).mean()
    assert 0.75 < share < 1.25
