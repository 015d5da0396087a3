"""The training loop: exact laws, and runs that are stopped and go on."""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from conftest import ROOT, slow
from flax import nnx

from sfumato.compute.randomness import stage_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.model import UNetConfig
from sfumato.config.training import TrainingConfig
from sfumato.diffusion.schedule import make_schedule
from sfumato.errors import InputError
from sfumato.networks.unet import initialise
from sfumato.training import loop as training
from sfumato.training import store as resumption
from sfumato.training.loop import HISTORY, stream, train
from sfumato.training.store import DiskStore

KEY = stage_key(0, "training")
SMALL = {
    "input_dim": (4, 4, 1),
    "channels": 4,
    "channel_multipliers": (1,),
    "attention_levels": (),
    "norm_groups": 2,
}
DIFFUSION = DiffusionConfig(noise_steps=50, beta_end=0.2)
IMAGES = np.asarray(0.3 * jax.random.normal(jax.random.key(1), (24, 4, 4, 1)))
LABELS = np.arange(24) % 3


def run(model=None, images=IMAGES, labels=LABELS, diffusion=DIFFUSION, **settings):
    """Train the small network, and return its weights by place and the history by column."""
    options = {name: settings.pop(name) for name in ("store", "report") if name in settings}
    unet = initialise(UNetConfig(**SMALL | (model or {})), stage_key(0, "initialise"))
    config = TrainingConfig(**{"steps": 45, "batch_size": 8, "warmup_steps": 5} | settings)
    trained, history = train(unet, diffusion, config, images, labels, key=KEY, **options)
    return weights(trained), dict(zip(HISTORY, history.T, strict=True))


def weights(unet):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(unet, nnx.Param))]


def same(ours, theirs):
    return all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(
    "prediction_type",
    ["v", slow("epsilon"), slow("x_0")],
)
def test_the_loss_falls_to_what_no_network_can_better(prediction_type):
    """Data N(0, s^2), one pixel: the best prediction is linear, and its error is known.

    With a = alpha_bar: Var(x_t) = V = a s^2 + 1 - a, and what x_t leaves unknown of eps is
    a s^2 / V, of x_0 (1 - a) s^2 / V, of v = (sqrt(a) eps - sqrt(1 - a) x_0), whose covariance
    with x_t is sqrt(a (1 - a)) (1 - s^2): a + (1 - a) s^2 - a (1 - a) (1 - s^2)^2 / V.
    """
    s2 = 0.25
    images = np.asarray(s2**0.5 * jax.random.normal(jax.random.key(2), (4096, 1, 1, 1)))
    diffusion = DiffusionConfig(noise_steps=50, beta_end=0.2, prediction_type=prediction_type)
    model = {"input_dim": (1, 1, 1), "channels": 16}
    labels = np.zeros(len(images), int)
    _, history = run(model, images, labels, diffusion, steps=600, batch_size=512)
    a = np.asarray(make_schedule(diffusion).alpha_bar(np.arange(50)), np.float64)
    v = a * s2 + 1 - a
    floor = {
        "epsilon": a * s2 / v,
        "x_0": (1 - a) * s2 / v,
        "v": a + (1 - a) * s2 - a * (1 - a) * (1 - s2) ** 2 / v,
    }[prediction_type].mean()
    reached = history["loss"][-150:].mean()
    assert 0.95 * floor < reached < 1.1 * floor
    assert history["loss"][0] > 1.5 * floor


def test_an_epoch_takes_each_image_once():
    taken = np.concatenate([stream(KEY, 24, 7, step).reshape(-1) for step in (0, 10, 20)])
    for epoch in range(8):
        assert sorted(taken[24 * epoch : 24 * (epoch + 1)]) == list(range(24))
    assert not np.array_equal(taken[:24], taken[24:48])
    np.testing.assert_array_equal(stream(KEY, 24, 7, 13)[:7], stream(KEY, 24, 7, 10)[3:])


class Stop(Exception):
    """The power fails."""


@pytest.fixture
def keep_all(monkeypatch):
    monkeypatch.setattr(resumption, "SECONDS_BETWEEN", 0)
    monkeypatch.setattr(resumption, "SHARE_OF_TIME", 1e9)


def stopped_at(step, folder, who="a run"):
    def report(taken, loss):
        if taken >= step:
            raise Stop

    with DiskStore(folder, {"who": who}) as store, pytest.raises(Stop):
        run(report=report, store=store)


def resume(folder, who="a run"):
    """Go on; return the weights, the history, and the step at which it went on."""
    begun = []
    with DiskStore(folder, {"who": who}) as store:
        return *run(store=store, report=lambda step, loss: begun.append(step)), begun[0]


def test_two_processes_do_not_share_a_folder(tmp_path):
    with DiskStore(tmp_path / "work", {}):
        with pytest.raises(InputError, match="another process is training here; wait"):
            DiskStore(tmp_path / "work", {})
    with DiskStore(tmp_path / "work", {}) as store:
        store.remove()
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def undisturbed():
    return run()


@pytest.mark.parametrize("stops", [slow((0,)), slow((10,)), slow((30, 40)), (20, 20, 30, 45)])
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(stops, keep_all, undisturbed, tmp_path):
    for stop in stops:
        stopped_at(stop, tmp_path / "work")
    resumed, history, begun = resume(tmp_path / "work")
    # A run that stops at a report has kept the state of the report before; at 45 it was done.
    assert begun == {0: 0, 10: 0, 40: 30, 45: 40}[stops[-1]]
    assert same(resumed, undisturbed[0])
    for name in HISTORY:
        np.testing.assert_array_equal(history[name], undisturbed[1][name])


def test_another_run_does_not_go_on_from_it(keep_all, undisturbed, tmp_path):
    stopped_at(30, tmp_path / "work", who="another")
    resumed, _, begun = resume(tmp_path / "work")
    assert begun == 0 and same(resumed, undisturbed[0])


def test_a_damaged_state_is_passed_over(keep_all, undisturbed, tmp_path):
    """The last one damaged, the one before is taken; both, and the run begins anew."""
    for damaged, expected in ((["30"], 20), (["20", "30"], 0)):
        folder = tmp_path / "-".join(damaged)
        stopped_at(40, folder)
        assert {path.name for path in (folder / "steps").iterdir()} == {"20", "30"}
        for step in damaged:
            for path in (folder / "steps" / step / "state").rglob("*"):
                if path.is_file() and path.stat().st_size > 1000:
                    content = bytearray(path.read_bytes())
                    content[len(content) // 2] ^= 1
                    path.write_bytes(content)
        resumed, _, begun = resume(folder)
        assert begun == expected and same(resumed, undisturbed[0])


def test_a_state_is_kept_seldom_by_default(tmp_path):
    stopped_at(40, tmp_path / "work")
    assert resume(tmp_path / "work")[2] == 0


def test_one_program_for_all_steps(undisturbed):
    before = training._advance.programs
    run()
    run()
    assert training._advance.programs <= before + 1


def test_the_network_given_is_left_as_it_was():
    unet = initialise(UNetConfig(**SMALL), stage_key(0, "initialise"))
    before = weights(unet)
    config = TrainingConfig(steps=10, batch_size=8, warmup_steps=1)
    train(unet, DIFFUSION, config, IMAGES, LABELS, key=KEY)
    assert same(weights(unet), before)


@pytest.mark.slow
def test_classes_are_learned_unless_they_are_dropped():
    """The table of classes has a row each, and one more for no class."""
    model = {"num_classes": 4}
    start = weights(initialise(UNetConfig(**SMALL | model), stage_key(0, "initialise")))
    place = next(i for i, leaf in enumerate(start) if leaf.shape == (5, 16))
    for share, moved in ((0.0, [1, 1, 1, 0, 0]), (1.0, [0, 0, 0, 0, 1])):
        table = run(model, label_dropout=share, weight_decay=0.0)[0][place]
        np.testing.assert_array_equal((table != start[place]).any(axis=1), np.array(moved, bool))
    with pytest.raises(InputError, match="num_classes: 2 must be at least 3"):
        run({"num_classes": 2})


def test_bfloat16_computes_otherwise_and_keeps_float32(undisturbed):
    ours, history = run(precision="bfloat16")
    assert all(leaf.dtype == np.float32 for leaf in ours)
    assert not same(ours, undisturbed[0])
    np.testing.assert_allclose(history["loss"], undisturbed[1]["loss"], rtol=0.05)


@pytest.mark.slow
def test_the_average_follows_the_weights():
    """With no memory it is the weights themselves; with much it lags, but is not the start."""
    start = weights(initialise(UNetConfig(**SMALL), stage_key(0, "initialise")))
    now, slow = run(ema_decay=0.0)[0], run(ema_decay=0.9999)[0]
    distance = [
        sum(float(np.square(a - b).sum()) for a, b in zip(ours, theirs, strict=True))
        for ours, theirs in ((start, now), (slow, now), (slow, start))
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
def test_every_setting_counts(settings, undisturbed):
    assert not same(run(**settings)[0], undisturbed[0])


def test_a_loss_that_is_not_finite_ends_in_a_sentence():
    with pytest.raises(InputError, match="training: the loss is nan at step 10; nothing was"):
        run(images=np.full_like(IMAGES, np.nan))


def test_images_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="training: 24 labels and images of shape"):
        run(images=IMAGES[:, :2])


FOUR_DEVICES = """
import json, sys
import jax, numpy as np
sys.path.insert(0, "tests")
from test_training import run
weights, history = run(steps=40)
print(json.dumps([jax.local_device_count(), history["loss"].tolist()]))
"""


def test_four_devices_share_a_batch(undisturbed):
    done = subprocess.run(
        [sys.executable, "-c", FOUR_DEVICES],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"},
    )
    devices, losses = json.loads(done.stdout.splitlines()[-1])
    assert devices == 4
    alone = run(steps=40)[1]["loss"]
    np.testing.assert_allclose(losses, alone, atol=1e-4)
