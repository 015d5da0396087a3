"""The training loop: exact laws, and every setting of it read."""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from conftest import ROOT, slow, warm_server
from small_run import (
    IMAGES,
    KEY,
    LABELS,
    network,
    run,
    same,
    undisturbed_run,
    weights,
)

from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.schedule import make_schedule
from sfumato.errors import InputError
from sfumato.training.step import advance
from sfumato.training.stream import image_order

pytestmark = pytest.mark.quick_compile


@pytest.mark.parametrize("prediction_type", ["v", *map(slow, ["epsilon", "x_0", "u"])])
def test_the_loss_falls_to_what_no_network_can_better(prediction_type):
    """Data N(0, s^2), one pixel: the best output is linear in x_t, and its error is known.

    With x_t = a x_0 + b eps, V = Var(x_t) = a^2 s^2 + b^2, and an output p eps + q x_0 of variance
    p^2 + q^2 s^2 and covariance p b + q a s^2 with x_t, what x_t leaves unknown of it is
    p^2 + q^2 s^2 - (p b + q a s^2)^2 / V.
    """
    s2 = 0.25
    images = np.asarray(s2**0.5 * jax.random.normal(jax.random.key(2), (4096, 1, 1, 1)))
    diffusion = DiffusionConfig(noise_steps=50, beta_end=0.2, prediction_type=prediction_type)
    model = {"input_dim": (1, 1, 1), "channels": 16}
    labels = np.zeros(len(images), int)
    _, history = run(model, images, labels, diffusion, steps=450, batch_size=512)
    t, schedule = np.arange(50), make_schedule(diffusion)
    a, b = (np.asarray(rate(t), np.float64) for rate in (schedule.alpha, schedule.sigma))
    p, q = {"epsilon": (1, 0), "x_0": (0, 1), "v": (a, -b), "u": (1, -1)}[prediction_type]
    unknown = p**2 + q**2 * s2 - (p * b + q * a * s2) ** 2 / (a**2 * s2 + b**2)
    floor = unknown.mean()
    reached = history["loss"][-150:].mean()
    assert 0.95 * floor < reached < 1.1 * floor
    assert history["loss"][0] > 1.2 * floor


def test_an_epoch_takes_each_image_once():
    taken = image_order(KEY, 24, 7, 0, 30).reshape(-1)
    for epoch in range(8):
        assert sorted(taken[24 * epoch : 24 * (epoch + 1)]) == list(range(24))
    assert not np.array_equal(taken[:24], taken[24:48])
    np.testing.assert_array_equal(image_order(KEY, 24, 7, 13, 4).reshape(-1), taken[91:119])


def test_one_program_for_all_steps():
    run(steps=6)
    before = advance.programs
    run(steps=6)
    assert advance.programs == before


@pytest.mark.slow
def test_several_steps_in_one_program_are_the_steps_one_by_one(monkeypatch):
    """As an accelerator takes them."""
    monkeypatch.setattr(jax, "default_backend", lambda: "an accelerator")
    looped, history = run(steps=15, learning_rate=1e-4)
    monkeypatch.undo()
    single, expected = run(steps=15, learning_rate=1e-4)
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-4)
    for ours, theirs in zip(looped, single, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_the_network_given_is_left_as_it_was():
    before = weights(network())
    undisturbed_run()
    assert same(weights(network()), before)


@pytest.mark.slow
def test_classes_are_learned_unless_they_are_dropped():
    """The table of classes has a row each, and one more for no class."""
    model = {"num_classes": 4}
    start = weights(network(**model))
    (place,) = [i for i, leaf in enumerate(start) if len(leaf) == 5]  # no other has five rows
    before = start[place]
    labels = np.where(LABELS == 2, -1, LABELS)
    for given, dropout, moved in (
        (LABELS, 0.0, [1, 1, 1, 0, 0]),
        (LABELS, 1.0, [0, 0, 0, 0, 1]),
        (labels, 0.0, [1, 1, 0, 0, 1]),
    ):
        table = run(model, labels=given, label_dropout=dropout, weight_decay=0.0)[0][place]
        far = np.abs(table - before).max(axis=1) > 1e-5  # the average rounds
        np.testing.assert_array_equal(far, np.array(moved, bool))


def test_a_class_that_the_network_does_not_know_is_refused():
    with pytest.raises(InputError, match="num_classes: 2 must be at least 3"):
        run({"num_classes": 2})


def test_bfloat16_computes_otherwise_and_keeps_float32():
    ours, history = run(precision="bfloat16")
    theirs, full = undisturbed_run()
    assert all(leaf.dtype == np.float32 for leaf in ours)
    assert not same(ours, theirs)
    np.testing.assert_allclose(history["loss"], full["loss"], rtol=0.05)


@pytest.mark.slow
def test_the_average_follows_the_weights():
    """With no memory it is the weights themselves; with much it lags, but is not the start."""
    start, now, late = weights(network()), run(ema_decay=0.0)[0], run(ema_decay=0.9999)[0]
    distance = [
        sum(float(np.square(a - b).sum()) for a, b in zip(ours, theirs, strict=True))
        for ours, theirs in ((start, now), (late, now), (late, start))
    ]
    assert 0 < distance[1] < distance[0] and distance[2] > 0.1 * distance[0]


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "huber", "weighting": "min_snr", "clip_norm": 0.01, "model": {"dropout": 0.3}},
        slow({"loss": "huber"}),
        slow({"loss": "l1"}),
        slow({"weighting": "min_snr"}),
        slow({"weighting": "min_snr", "min_snr_gamma": 1.0}),
        slow({"clip_norm": 0.01}),
        slow({"model": {"dropout": 0.3}}),
        slow({"weight_decay": 0.5}),
        slow({"learning_rate": 1e-4}),
        slow({"warmup_steps": 9}),
        slow({"batch_size": 4}),
        slow({"steps": 44}),
    ],
)
def test_every_setting_counts(settings):
    assert not same(run(**settings)[0], undisturbed_run()[0])


def test_a_loss_that_is_not_finite_ends_in_a_sentence():
    with pytest.raises(InputError, match="training: the loss is nan at step 10; nothing was"):
        run(images=np.full_like(IMAGES, np.nan))


def test_images_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="training: 24 labels and images of shape"):
        run(images=IMAGES[:, :2])


@pytest.mark.parametrize(
    ("classes", "labels", "said"),
    [(5, LABELS % 2, "2, 3, 4"), (5, LABELS * 0 - 1, ""), (3, LABELS, ""), (0, LABELS, "")],
    ids=["some", "none is learnt", "all", "of a network without"],
)
def test_classes_without_an_image_are_said(classes, labels, said, caplog, monkeypatch):
    monkeypatch.setattr("sfumato.training.loop.Program", None)  # nothing is trained
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'of'"):
        run({"num_classes": classes}, IMAGES, labels)
    found = [record.getMessage() for record in caplog.records if record.name == "sfumato"]
    assert found == [f"training: no image is of the classes {said}; they are not learnt"] * bool(
        said
    )


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.zeros((24, 1), int), "each with a label, in one list"),
        (np.zeros(23, int), "training: 23 labels"),
        (np.full(24, 1.9), "labels must be whole numbers from -1 up"),
        (np.full(24, -7), "labels must be whole numbers from -1 up"),
    ],
)
def test_labels_that_are_none_are_refused(labels, said):
    with pytest.raises(InputError, match=said):
        run(labels=labels)


FOUR_DEVICES = """
import json, sys
import jax
sys.path[:0] = ["tests/training"]
from small_run import run
print(json.dumps([jax.local_device_count(), run()[1]["loss"].tolist()]))
"""


@pytest.mark.slow
def test_four_devices_share_a_batch():
    done = subprocess.run(
        [sys.executable, "-c", FOUR_DEVICES],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | warm_server() | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"},
    )
    devices, losses = json.loads(done.stdout.splitlines()[-1])
    assert devices == 4
    np.testing.assert_allclose(losses, undisturbed_run()[1]["loss"], atol=1e-4)
