"""The scripts that train and take over; a training run that is killed goes on."""

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
from conftest import ROOT

from sfumato.records.checkpoint import load_weights
from sfumato.records.opening import open_record

initialise, prepare_data, train, adopt, explain = map(
    importlib.import_module, ("initialise", "prepare_data", "train", "adopt", "explain")
)
STEPS = 100
MODEL = {
    "input_dim": [4, 4, 1],
    "channels": 4,
    "channel_multipliers": [1],
    "attention_levels": [],
    "norm_groups": 2,
}
SETTINGS = {
    "seed": 3,
    "model": MODEL,
    "diffusion": {"noise_steps": 20},
    "training": {"steps": STEPS, "batch_size": 4, "warmup_steps": 5, "ema_decay": 0.9},
    "weights": {"source": "trained"},
}
OUTPUTS = {"checkpoint", "history.csv"}


def config(*keys, **changes):
    return json.dumps({key: SETTINGS[key] for key in keys} | changes)


def train_words(inputs, folder, **changes):
    """Return the arguments of a training run that writes into a folder."""
    paths = {
        "data": inputs / "data.npz",
        "checkpoint": inputs / "initial_checkpoint",
        "output": folder / "checkpoint",
        "history": folder / "history.csv",
    }
    words = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
    return ["--config", config(*SETTINGS, **changes), *words]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Return a folder with the images and the fresh network."""
    folder = tmp_path_factory.mktemp("inputs")
    data = {"source": "noise", "n_images": 12, "n_test": 4}
    settings = config("seed", "model", "diffusion")
    initialise.main(["--config", settings, "--output", str(folder / "initial_checkpoint")])
    settings = config(data=data, model={"input_dim": MODEL["input_dim"]})
    prepare_data.main(["--config", settings, "--output", str(folder / "data.npz")])
    return folder


@pytest.fixture(scope="module")
def trained(inputs, tmp_path_factory):
    """Return the folder of a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("trained")
    train.main(train_words(inputs, folder))
    return folder


def refused(main, *words):
    """Return the one sentence with which a script ends."""
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    said = caught.value.code
    assert isinstance(said, str) and said.startswith("error: ") and "\n" not in said
    return said


def test_training_writes_checkpoint_and_history_and_nothing_else(trained, inputs):
    assert {path.name for path in trained.iterdir()} == OUTPUTS
    history, checkpoint = (open_record(trained / name) for name in ("history.csv", "checkpoint"))
    columns = history.read()
    assert columns["step"].tolist() == list(range(STEPS))
    assert all(np.isfinite(column).all() for column in columns.values())
    described = {"artifact": "history.csv", "arrays": history.record.arrays}
    assert history.record == checkpoint.record.model_copy(update=described)
    assert checkpoint.record.settings["training"]["loss"] == "mse"  # the defaults are filled in
    assert str(inputs) not in str(history.record) and str(ROOT) not in str(history.record)


def test_training_changes_the_weights_and_no_input(trained, inputs):
    fresh, ours = open_record(inputs / "initial_checkpoint"), open_record(trained / "checkpoint")
    assert fresh.digest == ours.record.inputs["initial"].digest != ours.digest
    data = open_record(inputs / "data.npz", "train_images", "train_labels")
    assert data.digest == ours.record.inputs["data"].digest
    before, after = fresh.read(), ours.read()
    assert before.keys() == after.keys()
    assert all(before[name].shape == after[name].shape for name in before)


def test_the_checkpoint_names_what_it_was_made_from(trained, capsys):
    explain.main([str(trained / "checkpoint")])
    said = capsys.readouterr().out
    scripts = re.findall(r"^ *(\w+\.py) -> ([\w.]+)$", said, re.MULTILINE)
    assert scripts[0] == ("train.py", "checkpoint")
    assert sorted(scripts[1:]) == [("initialise.py", "checkpoint"), ("prepare_data.py", "data.npz")]
    assert "seed      3" in said and "optax" in said
    explain.main([str(trained / "history.csv")])
    assert "train.py -> history.csv" in capsys.readouterr().out


def test_images_and_network_that_do_not_fit_get_a_sentence(inputs, tmp_path):
    words = train_words(inputs, tmp_path, model=MODEL | {"channels": 8})
    assert "model.channels = 4, and the config says 8" in refused(train.main, *words)
    words = [word.replace("data.npz", "none.npz") for word in train_words(inputs, tmp_path)]
    assert "none.npz: there is no such file" in refused(train.main, *words)
    too_long = train_words(inputs, tmp_path, training={"steps": 5})
    said = refused(train.main, *too_long)
    assert said == "error: training.warmup_steps: 200 must be less than steps (5)"
    assert not list(tmp_path.iterdir())


# Kills


RUN = """
import sys
import train
from sfumato.training import store

store.SECONDS_BETWEEN, store.SHARE_OF_TIME = 0, 1e9
train.main(sys.argv[1:])
"""


def start(*words):
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "scripts")])
    devices = f"--xla_force_host_platform_device_count={jax.local_device_count()}"  # as here
    environment = os.environ | {"PYTHONPATH": path, "XLA_FLAGS": devices}
    command = [sys.executable, "-c", RUN, *words]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def kept(folder):
    """Return the names below the folder of states: numbers of those that are whole, and others."""
    steps = folder / "training" / "steps"
    return [path.name for path in steps.iterdir()] if steps.is_dir() else []


def first_step(stderr):
    """Tell at which step a run began, by its bar of progress."""
    return int(re.search(rf"(\d+)/{STEPS}", stderr).group(1))


def kill_when(seen, inputs, folder):
    """Run, kill as soon as `seen` of the names of the states, return where the run had begun."""
    job = start(*train_words(inputs, folder))
    deadline = time.monotonic() + 120
    while not seen(kept(folder)):
        assert job.poll() is None, "the run ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.001)
    job.kill()
    assert job.wait() == -signal.SIGKILL
    return first_step(job.communicate()[1])


def at(step):
    return lambda names: any(name.isdigit() and int(name) >= step for name in names)


def writing_after(step):
    return lambda names: at(step)(names) and not all(name.isdigit() for name in names)


def test_a_run_that_was_killed_twice_ends_as_one_that_was_not(inputs, trained, tmp_path, capsys):
    """Killed in the midst of writing a state, and late; in a folder that looks like a pattern."""
    place = tmp_path / "run [v2] {x}*"
    begun = [kill_when(seen, inputs, place) for seen in (writing_after(10), at(50))]
    assert {path.name for path in place.iterdir()} - {".training.lock"} == {"training"}
    train.main(train_words(inputs, place))
    said = capsys.readouterr().err
    begun.append(first_step(said))
    assert f"training goes on from step {begun[2]}\n" in said
    assert begun[0] == 0 and begun[1] >= 10 and begun[2] >= 50  # each went on behind the last
    assert {path.name for path in place.iterdir()} == OUTPUTS
    ours, theirs = (open_record(folder / "checkpoint") for folder in (place, trained))
    assert ours.digest == theirs.digest and ours.record == theirs.record
    assert same_arrays(ours.read(), theirs.read())
    history, undisturbed = ((folder / "history.csv").read_bytes() for folder in (place, trained))
    assert history == undisturbed


def same_arrays(ours, theirs):
    return all(np.array_equal(ours[name], theirs[name]) for name in {*ours, *theirs})


def test_what_went_on_from_another_device_s_state_says_so(inputs, tmp_path, monkeypatch, caplog):
    """The loop is not part of this test."""
    claimed = []

    def begin(network, diffusion, training, *arguments, store, **named):
        claimed.append(json.loads((tmp_path / "training" / "identity.json").read_text()))
        (tmp_path / "training" / "steps" / "10").mkdir(parents=True)
        raise KeyboardInterrupt

    def end(network, diffusion, training, *arguments, store, **named):
        return network, np.ones((training.steps, 3))

    monkeypatch.setattr(train, "train", begin)
    assert "interrupted" in refused(train.main, *train_words(inputs, tmp_path))
    before = claimed[0]["run"] | {"device": claimed[0]["run"]["device"] | {"kind": "another"}}
    (tmp_path / "training" / "identity.json").write_text(json.dumps({"run": before}))
    assert "interrupted" in refused(train.main, *train_words(inputs, tmp_path))
    assert "device.kind: another, now" in caplog.text
    (tmp_path / "training-1" / "resume").touch()
    monkeypatch.setattr(train, "train", end)
    train.main(train_words(inputs, tmp_path))
    for name in OUTPUTS:
        device = open_record(tmp_path / name).record.device
        assert device["resumed"].startswith("from a run with device.kind: another, now ")
    assert {path.name for path in tmp_path.iterdir()} == OUTPUTS | {"training-2"}


CANNOT_BE = {
    "history": ("folder", "--history: .*/folder: no file can be here"),
    "output": ("file", "--output: .*/file: no folder can be here"),
    "work": ("folder", "folder holds mine, which is not part of a training run's state"),
}


@pytest.mark.parametrize("option", CANNOT_BE)
def test_what_cannot_be_written_is_refused_before_the_training(option, inputs, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").touch()
    (tmp_path / "file").touch()
    name, said = CANNOT_BE[option]
    words = [*train_words(inputs, tmp_path), f"--{option}", tmp_path / name]
    assert re.search(said, refused(train.main, *words))
    words = [*train_words(inputs, tmp_path), "--output", tmp_path / "folder"]
    assert "folder holds mine, which is not part of a checkpoint" in refused(train.main, *words)
    words = [*train_words(inputs, tmp_path), "--work", tmp_path]
    assert "--history: " in refused(train.main, *words)
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "file"}


# Taking over


def adopt_words(checkpoint, folder, **changes):
    settings = config("model", "diffusion", **{"weights": {"source": "pretrained"}} | changes)
    return ["--config", settings, "--checkpoint", str(checkpoint), "--output", str(folder)]


def test_what_is_taken_over_has_the_same_weights_and_its_history(trained, tmp_path, capsys):
    adopt.main(adopt_words(trained / "checkpoint", tmp_path / "taken"))
    ours, theirs = open_record(tmp_path / "taken"), open_record(trained / "checkpoint")
    assert ours.digest == theirs.digest
    assert ours.record.inputs["pretrained"].provenance == theirs.record
    assert ours.record.inputs["pretrained"].digest == theirs.digest
    explain.main([str(tmp_path / "taken")])
    scripts = re.findall(r"^ *(\w+\.py) -> ", capsys.readouterr().out, re.MULTILINE)
    assert scripts[:2] == ["adopt.py", "train.py"]
    assert set(scripts[2:]) == {"initialise.py", "prepare_data.py"}


def test_what_training_goes_on_from_may_learn_other_classes(trained, tmp_path):
    """They begin as what was trained without any."""
    weights, model = {"source": "finetuned"}, MODEL | {"num_classes": 3, "dropout": 0.1}
    adopt.main(
        adopt_words(trained / "checkpoint", tmp_path / "initial", weights=weights, model=model)
    )
    before, taken = (open_record(f) for f in (trained / "checkpoint", tmp_path / "initial"))
    known, begun_with = (load_weights(f) for f in (trained / "checkpoint", tmp_path / "initial"))
    assert begun_with.keys() - known.keys() == {"embed.labels.embedding"}
    assert all((begun_with[name] == weights).all() for name, weights in known.items())
    assert taken.record.inputs["pretrained"].digest == before.digest
    assert taken.record.artifact == "initial_checkpoint"


@pytest.mark.parametrize("changes", [{"channels": 8}, {"patch_size": 2}])
def test_training_goes_on_from_the_same_network_alone(changes, trained, tmp_path):
    weights, model = {"source": "finetuned"}, MODEL | {"num_classes": 3} | changes
    words = adopt_words(trained / "checkpoint", tmp_path / "it", weights=weights, model=model)
    ((name, value),) = changes.items()
    said = refused(adopt.main, *words)
    there = MODEL.get(name, 1)
    assert f"was made with model.{name} = {there}, and the config says {value}; set" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": MODEL | {"channels": 8}}, "model.channels = 4, and the config says 8"),
        ({"model": MODEL | {"num_classes": 3}}, "model.num_classes = 0, and the config says 3"),
        ({"model": MODEL | {"patch_size": 2}}, "model.patch_size = 1, and the config says 2"),
        (
            {"diffusion": {"noise_steps": 20, "prediction_type": "v"}},
            "diffusion.prediction_type = epsilon, and the config says v",
        ),
        ({"diffusion": {"noise_steps": 21}}, "diffusion.noise_steps = 20, and the config says 21"),
    ],
)
def test_another_network_is_not_taken_over(changes, said, trained, tmp_path):
    words = adopt_words(trained / "checkpoint", tmp_path / "taken", **changes)
    assert f"was made with {said}" in refused(adopt.main, *words)
    assert not list(tmp_path.iterdir())


def test_what_is_no_checkpoint_is_not_taken_over(trained, tmp_path):
    words = adopt_words(tmp_path / "a", tmp_path / "b")
    assert "there is no checkpoint" in refused(adopt.main, *words)
    assert "has no manifest.json" in refused(adopt.main, *adopt_words(trained, tmp_path / "b"))
    assert not list(tmp_path.iterdir())
