"""From files to the metrics of runs, and to all runs side by side."""

from dataclasses import dataclass

import jax
import numpy as np
import pytest

from sfumato.config.scoring import ScoringConfig
from sfumato.errors import InputError
from sfumato.evaluation.classifier_training import Fit, train_classifier
from sfumato.evaluation.evaluate import DATA, evaluate_real_images, evaluate_samples
from sfumato.evaluation.metrics import Metrics
from sfumato.evaluation.quality import summarise, timings_of
from sfumato.evaluation.tables import markdown, table
from sfumato.records.arrays import save_arrays
from sfumato.records.opening import Opened, open_record
from sfumato.records.provenance import Record, provenance
from sfumato.records.stage import Stage
from sfumato.sampling.timing import Seconds, Timing

CONFIG = ScoringConfig(n_samples=12, neighbours=2, two_sample_steps=2)
ENTRY = {"sampler": "ddim", "steps": 4, "eta": 0.5, "labels": [0]}
KEY = jax.random.key(0)


@dataclass
class Files:
    """What an evaluation reads."""

    data: Opened
    classifier: Opened
    samples: Opened
    timing: Timing


def record(artifact, **changes):
    return provenance(Stage("sample"), artifact) | changes


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Write 40 images of training and 20 held out, bright or dark, and 12 samples: all dark."""
    folder, rng = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = (rng.uniform(-0.4, 0.4, (60, 8, 8, 1)) + labels[:, None, None, None] - 0.5).astype("f")
    arrays = {"train_images": images[:40], "train_labels": labels[:40]}
    arrays |= {"test_images": images[40:], "test_labels": labels[40:]}
    fit = Fit(steps=20, batch_size=128, shift=0)  # the program of the two-sample test
    classifier = train_classifier(images[:40], labels[:40], 2, fit, key=KEY)
    weights = classifier.weights() | {"n_classes": np.array(2), "accuracy": np.array(0.75)}
    samples = np.concatenate([images[:4:2], images[40:60:2]])  # two of them are training images
    settings = {"samples": {"mine": ENTRY}}
    save_arrays(folder / "data.npz", arrays, record("data.npz"))
    save_arrays(folder / "classifier.npz", weights, record("classifier.npz"))
    save_arrays(folder / "s.npz", {"images": samples}, record("s.npz", settings=settings))
    made = Record.model_validate(record("s.timing.json", settings=settings))
    timing = Timing(
        entry="mine",
        sampler="ddim",
        steps=4,
        nfe=7,
        n_samples=12,
        micro_batch=5,
        seconds=Seconds(compile=1, run=30),
        device={"kind": "some"},
        provenance=made,
    )
    data = open_record(folder / "data.npz", *DATA)
    return Files(
        data, open_record(folder / "classifier.npz"), open_record(folder / "s.npz"), timing
    )


@pytest.fixture(scope="module")
def metrics(files):
    """Return the metrics of the samples, and those of real images."""
    inputs = {"samples": files.samples.origin}
    made = Record.model_validate(record("some.metrics.json", inputs=inputs))
    opened = files.data, files.classifier
    facts = evaluate_samples(*opened, files.samples, files.timing, CONFIG, key=KEY)
    floor = evaluate_real_images(*opened, CONFIG, seed=0, key=KEY)
    return Metrics(**facts, provenance=made), Metrics(**floor, provenance=made)


def test_what_is_said_of_a_run(metrics):
    mine, floor = metrics
    assert (mine.run, mine.settings, mine.nfe) == ("mine", ENTRY, 7)
    assert mine.n_samples == 12
    assert (floor.run, floor.settings, floor.nfe) == ("floor", {}, 0)
    assert mine.classifier_accuracy == floor.classifier_accuracy == 0.75


def test_what_is_found(metrics):
    """All samples are of one class of two, and two are copies of training images 0 and 2."""
    mine, floor = metrics
    assert mine.scores["class_distance"] == pytest.approx(0.5, abs=0.1)
    assert (
        floor.scores["class_distance"] < 0.3 and floor.scores["fd_lenet"] < mine.scores["fd_lenet"]
    )
    assert mine.scores["class_accuracy"] == 1 and "class_accuracy" not in floor.scores
    assert [(each.sample, each.train) for each in mine.nearest[:2]] == [(0, 0), (1, 2)]
    assert [each.distance == 0 for each in mine.nearest[:3]] == [True, True, False]
    for each in metrics:
        low, high = each.intervals["two_sample_accuracy"]
        assert low <= each.scores["two_sample_accuracy"] <= high


def test_no_time_is_in_metrics(files, metrics):
    """So that nearest.png, which is drawn from them, is the same in a second build."""
    slower = files.timing.model_copy(update={"seconds": Seconds(compile=2, run=90)})
    again = evaluate_samples(
        *(files.data, files.classifier, files.samples), slower, CONFIG, key=KEY
    )
    mine = Metrics(**again, provenance=metrics[0].provenance)
    assert mine == metrics[0] and mine.origin == metrics[0].origin


def test_all_runs_side_by_side(files, metrics):
    mine, floor = metrics
    worse = mine.model_copy(update={"scores": {name: x + 2 for name, x in mine.scores.items()}})
    timings = timings_of(metrics, [files.timing])
    quality = summarise([floor, mine, worse], timings, {"kind": "some"}, mine.provenance)
    row = quality.row(sampler="ddim", eta=0.5)
    assert row.seeds == 2 and row.mean["kid"] == pytest.approx(mine.scores["kid"] + 1)
    assert row.seconds_per_sample == 2  # 15 places took 30 seconds
    assert quality.floor.seconds_per_sample == 0
    assert row.spread["kid"] == pytest.approx(2**0.5) and quality.floor.spread["kid"] == 0
    text = markdown(table(quality))
    assert "| class accuracy | 0.75 | 2 ± 1 |" in text
    assert "| DDIM-7 |" in text and "| network evaluations |  | 7 |" in text
    with pytest.raises(InputError, match="the floor, which real images reach, is not among them"):
        summarise([mine], timings, {}, mine.provenance)
    other = files.timing.provenance.model_copy(update={"settings": {"seed": 4}})
    with pytest.raises(InputError, match="--timings: none is of the samples of some.metrics.json"):
        timings_of(metrics, [files.timing.model_copy(update={"provenance": other})])


def test_files_that_do_not_go_together(files):
    other = files.timing.model_copy(update={"entry": "other"})
    opened = files.data, files.classifier, files.samples
    with pytest.raises(InputError, match="this timing is of other"):
        evaluate_samples(*opened, other, CONFIG, key=KEY)
