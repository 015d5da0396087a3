"""The scripts that train, take over and draw; a training run that is killed goes on."""

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
from jax.experimental.compilation_cache.compilation_cache import reset_cache
from PIL import Image

from sfumato.figures.plotting import training_curves
from sfumato.records.arrays import digest
from sfumato.records.artifacts import open_artifact
from sfumato.records.explain import depth_of
from sfumato.records.history import load_history, save_history

initialise, prepare_data, train, adopt, render_training, explain = map(
    importlib.import_module,
    ("initialise", "prepare_data", "train", "adopt", "render_training", "explain"),
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


def train_words(inputs, folder):
    """Return the arguments of a training run that writes into a folder."""
    return [
        *("--config", json.dumps(SETTINGS), "--data", str(inputs / "data.npz")),
        *("--checkpoint", str(inputs / "initial_checkpoint"), "--work", str(folder / "training")),
        *("--output", str(folder / "checkpoint"), "--history", str(folder / "history.csv")),
    ]


@pytest.fixture(scope="module")
def one_cache(compilation_cache):
    """Let this process use the compiled programs of those that it starts, and they its own."""
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in names}
    for name, value in zip(names, (os.environ["JAX_COMPILATION_CACHE_DIR"], 0), strict=True):
        jax.config.update(name, value)
    reset_cache()
    yield
    for name, value in before.items():
        jax.config.update(name, value)
    reset_cache()


@pytest.fixture(scope="module")
def inputs(one_cache, tmp_path_factory):
    """Return a folder with the images and the fresh network."""
    folder = tmp_path_factory.mktemp("inputs")
    data = {"source": "noise", "n_images": 12, "n_test": 4}
    initialise.main(
        ["--config", config("seed", "model", "diffusion")]
        + ["--output", str(folder / "initial_checkpoint")]
    )
    prepare_data.main(
        ["--config", config("model", data=data), "--output", str(folder / "data.npz")]
    )
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
    history, made = load_history(trained / "history.csv")
    assert history["step"].tolist() == list(range(STEPS))
    assert all(np.isfinite(column).all() for column in history.values())
    record = open_artifact(trained / "checkpoint").record
    assert made == record.model_dump(exclude_none=True) | {"artifact": "history.csv"}
    assert record.settings["training"]["loss"] == "mse"  # the defaults are filled in
    assert str(inputs) not in str(made) and str(ROOT) not in str(made)


def test_training_changes_the_weights_and_no_input(trained, inputs):
    fresh, record = (
        open_artifact(inputs / "initial_checkpoint"),
        open_artifact(trained / "checkpoint"),
    )
    assert fresh.digest() == record.record.inputs["initial"].digest != record.digest()
    assert open_artifact(inputs / "data.npz").digest() == record.record.inputs["data"].digest
    ours, theirs = fresh.arrays(), record.arrays()
    assert ours.keys() == theirs.keys()
    assert all(np.asarray(ours[name]).shape == np.asarray(theirs[name]).shape for name in ours)


def test_the_checkpoint_names_what_it_was_made_from(trained, capsys):
    explain.main([str(trained / "checkpoint")])
    said = capsys.readouterr().out
    scripts = re.findall(r"^ *(\w+\.py) -> ([\w.]+)$", said, re.MULTILINE)
    assert scripts[0] == ("train.py", "checkpoint")
    assert sorted(scripts[1:]) == [("initialise.py", "checkpoint"), ("prepare_data.py", "data.npz")]
    assert "seed      3" in said and "optax" in said
    assert depth_of(open_artifact(trained / "checkpoint").record) == 1


def test_images_and_network_that_do_not_fit_get_a_sentence(inputs, tmp_path):
    words = train_words(inputs, tmp_path)
    changed = json.dumps(SETTINGS | {"model": MODEL | {"channels": 8}})
    assert "model.channels = 4, and the config says 8" in refused(
        train.main, *words[:1], changed, *words[2:]
    )
    missing = [word.replace("data.npz", "none.npz") for word in words]
    assert "none.npz: there is no such file" in refused(train.main, *missing)
    too_long = json.dumps(SETTINGS | {"training": {"steps": 5}})
    said = refused(train.main, *words[:1], too_long, *words[2:])
    assert said == "error: training.warmup_steps: 200 must be less than steps (5)"
    assert not list(tmp_path.iterdir())


# Kills


RUN = """
import sys
import train
from sfumato.training import store as resumption

resumption.SECONDS_BETWEEN, resumption.SHARE_OF_TIME = 0, 1e9
train.main(sys.argv[1:])
"""


def python(*words, **options):
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "scripts")])
    devices = f"--xla_force_host_platform_device_count={jax.local_device_count()}"  # as here
    environment = os.environ | {"PYTHONPATH": path, "XLA_FLAGS": devices}
    return subprocess.Popen(
        [sys.executable, *words], env=environment, stderr=subprocess.PIPE, text=True, **options
    )


def kept(folder):
    """Return the names below the folder of states: numbers of those that are whole, and others."""
    steps = folder / "training" / "steps"
    return [path.name for path in steps.iterdir()] if steps.is_dir() else []


def first_step(stderr):
    """Tell at which step a run began, by its bar of progress."""
    return int(re.search(rf"(\d+)/{STEPS}", stderr).group(1))


def kill_when(seen, inputs, folder):
    """Run, kill as soon as `seen` of the names of the states, return where the run had begun."""
    job = python("-c", RUN, *train_words(inputs, folder))
    deadline = time.monotonic() + 60
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


def test_a_run_that_was_killed_three_times_ends_as_one_that_was_not(inputs, trained, tmp_path):
    """Killed with one state kept, in the midst of writing one, and late."""
    moments = [at(10), writing_after(30), at(60)]
    begun = [kill_when(seen, inputs, tmp_path) for seen in moments]
    assert {path.name for path in tmp_path.iterdir()} - {".training.lock"} == {"training"}
    job = python(str(ROOT / "scripts" / "train.py"), *train_words(inputs, tmp_path))
    _, said = job.communicate()
    assert job.returncode == 0, said
    begun.append(first_step(said))
    assert begun[0] == 0 and sorted(set(begun)) == begun  # each went on behind the one before
    assert begun[1] >= 10 and begun[2] >= 30 and begun[3] >= 60
    assert {path.name for path in tmp_path.iterdir()} == OUTPUTS
    ours, theirs = (open_artifact(folder / "checkpoint") for folder in (tmp_path, trained))
    assert ours.digest() == theirs.digest() and ours.record == theirs.record
    history, undisturbed = ((folder / "history.csv").read_bytes() for folder in (tmp_path, trained))
    assert history == undisturbed


# Taking over


def adopt_words(checkpoint, folder, **changes):
    settings = config("model", "diffusion", weights={"source": "pretrained"}, **changes)
    return ["--config", settings, "--checkpoint", str(checkpoint), "--output", str(folder)]


def test_what_is_taken_over_has_the_same_weights_and_its_history(trained, tmp_path, capsys):
    adopt.main(adopt_words(trained / "checkpoint", tmp_path / "taken"))
    ours, theirs = open_artifact(tmp_path / "taken"), open_artifact(trained / "checkpoint")
    assert ours.digest() == theirs.digest()
    assert ours.record.inputs["pretrained"].provenance == theirs.record
    assert ours.record.inputs["pretrained"].digest == theirs.digest()
    explain.main([str(tmp_path / "taken")])
    scripts = re.findall(r"^ *(\w+\.py) -> ", capsys.readouterr().out, re.MULTILINE)
    assert scripts[:2] == ["adopt.py", "train.py"]
    assert set(scripts[2:]) == {"initialise.py", "prepare_data.py"}


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
    assert "there is no checkpoint" in refused(
        adopt.main, *adopt_words(tmp_path / "a", tmp_path / "b")
    )
    assert "has no manifest.json" in refused(adopt.main, *adopt_words(trained, tmp_path / "b"))
    assert not list(tmp_path.iterdir())


# The figure


def test_the_figure_shows_the_history_and_says_what_made_it(trained, tmp_path):
    words = ["--history", str(trained / "history.csv"), "--output", str(tmp_path / "training.png")]
    for name in ("training.png", "again.png"):
        words[-1] = str(tmp_path / name)
        render_training.main(["--config", '{"render": {"dpi": 40}}', *words])
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "training.png").read_bytes()
    artifact = open_artifact(tmp_path / "training.png")
    history, made = load_history(trained / "history.csv")
    assert artifact.record.artifact == "training.png"
    origin = artifact.record.inputs["history"]
    assert origin.digest == digest(history)
    assert origin.provenance.model_dump(exclude_none=True) == made
    with Image.open(tmp_path / "training.png") as image:
        assert len(image.convert("RGB").getcolors(2**16)) > 10


def test_the_curves_are_the_columns_and_their_mean():
    """The mean of a straight line over any window lies on the line."""
    step = np.arange(200.0)
    history = {"step": step, "loss": 5 + 3 * step, "learning_rate": 1e-3 * step}
    figure = training_curves(history | {"gradient_norm": 1 + step**2})
    loss, rate, norm = figure.axes
    assert [axis.get_title() for axis in figure.axes] == ["loss", "learning rate", "gradient norm"]
    assert [axis.get_yscale() for axis in figure.axes] == ["log", "linear", "log"]
    for axis, name in ((loss, "loss"), (rate, "learning_rate")):
        np.testing.assert_array_equal(axis.lines[0].get_xydata(), np.c_[step, history[name]])
    np.testing.assert_array_equal(norm.lines[0].get_ydata(), 1 + step**2)
    x, y = loss.lines[1].get_xydata().T
    np.testing.assert_allclose(y, 5 + 3 * x, rtol=1e-12)
    assert len(x) == 197 and x[0] == 1.5 and x[-1] == 197.5
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["mean of 4"]


@pytest.mark.parametrize("steps", [1, 2, 49])
def test_short_runs_have_a_figure_too(steps, trained, tmp_path):
    history, made = load_history(trained / "history.csv")
    rows = np.stack([history[name][:steps] for name in list(history)[1:]], axis=1)
    save_history(tmp_path / "history.csv", list(history)[1:], rows, made)
    words = ["--history", str(tmp_path / "history.csv"), "--output", str(tmp_path / "a.png")]
    render_training.main(["--config", '{"render": {"dpi": 40}}', *words])
    assert (tmp_path / "a.png").is_file()


def test_what_is_no_history_draws_no_figure(trained, tmp_path):
    words = ["--config", '{"render": {}}', "--output", str(tmp_path / "a.png"), "--history"]
    assert "there is no such file" in refused(render_training.main, *words, tmp_path / "none.csv")
    manifest = trained / "checkpoint" / "manifest.json"
    assert "this is no history" in refused(render_training.main, *words, manifest)
    assert not list(tmp_path.iterdir())


def test_a_history_of_other_columns_draws_no_figure(tmp_path):
    save_history(tmp_path / "a.csv", ["reward"], np.ones((3, 1)), {})
    words = ["--config", '{"render": {}}', "--output", str(tmp_path / "a.png"), "--history"]
    refused(render_training.main, *words, tmp_path / "a.csv")


def test_the_history_is_explained(trained, capsys):
    explain.main([str(trained / "history.csv")])
    assert "train.py -> history.csv" in capsys.readouterr().out
