"""Training, saving and loading in a line; and the checkpoints of a notebook and of the workflow."""

import json
from copy import deepcopy

import jax
import numpy as np
import pytest
from conftest import ROOT, slow
from flax import nnx

import sfumato
from sfumato import DDPMModel, ModelConfig
from sfumato.config.training import TrainingConfig
from sfumato.errors import InputError
from sfumato.figures.titles import network_words
from sfumato.records.manifest import read_manifest
from sfumato.records.provenance import Record
from sfumato.training import loop
from sfumato.training.loop import train

pytestmark = [pytest.mark.quick_compile, pytest.mark.filterwarnings("ignore:alpha_bar_T")]
SHAPE = (8, 8, 1)
NETWORK = {"channels": 4, "channel_multipliers": [1], "attention_levels": [], "norm_groups": 2}
IMAGES = np.random.default_rng(0).uniform(-1, 1, (12, *SHAPE)).astype(np.float32)
LABELS = np.arange(12) % 3
LOSSES = np.ones((1, 3))
SHORT = {"steps": 12, "batch_size": 4, "bar": False}


def tiny(**parameters):
    settings = {"noise_steps": 20, "num_classes": 3, **NETWORK, **parameters}
    return DDPMModel(ModelConfig("tiny", input_dim=SHAPE, parameters=settings), rngs=nnx.Rngs(0))


def weights(model):
    return jax.tree.leaves(nnx.state(model.network, nnx.Param))


def same(a, b):
    return all((x == y).all() for x, y in zip(weights(a), weights(b), strict=True))


def test_fit_is_the_training_of_the_workflow():
    model, key = tiny(), nnx.Rngs(5).fit()
    training = TrainingConfig(steps=12, batch_size=4, warmup_steps=1)
    network, history = train(model.network, model.diffusion, training, IMAGES, LABELS, key=key)
    found = model.fit(IMAGES, LABELS, rngs=nnx.Rngs(5), **SHORT)
    np.testing.assert_array_equal(np.stack(list(found.values()), axis=1), history)
    assert list(found) == ["loss", "learning_rate", "gradient_norm"]
    trained = jax.tree.leaves(nnx.state(network, nnx.Param))
    assert all((a == b).all() for a, b in zip(weights(model), trained, strict=True))
    assert not same(model, tiny())


def test_other_classes_begin_as_what_is_drawn_without_one():
    model = tiny()
    model.fit(IMAGES, LABELS, **SHORT)
    other = model.with_classes(5, rngs=nnx.Rngs(1))
    assert other.network.config.num_classes == 5 and model.network.config.num_classes == 3
    x, t = IMAGES[:3], np.array([0, 5, 19])
    found = other(x, t, np.array([0, 4, -1]))["predicted_noise"]
    np.testing.assert_allclose(found, model(x, t)["predicted_noise"], rtol=0, atol=1e-5)
    assert same(model, model.with_classes(3))
    other.fit(IMAGES, np.arange(12) % 5, **SHORT)
    assert not np.allclose(other(x, t, 4)["predicted_noise"], other(x, t, 0)["predicted_noise"])
    with pytest.raises(InputError, match="num_classes"):
        model.with_classes(-1)


def test_what_is_saved_is_loaded(tmp_path):
    model = tiny()
    model.fit(IMAGES, **SHORT)
    model.save(tmp_path / "mine")
    again = DDPMModel.load(tmp_path / "mine", rngs=nnx.Rngs(1))
    assert same(model, again) and again.diffusion == model.diffusion
    assert again.network.config == model.network.config
    ours, theirs = (m.sample(2, steps=3, rngs=nnx.Rngs(2)) for m in (model, again))
    np.testing.assert_array_equal(ours, theirs)
    # so that jax computes where the images are
    assert not any(weight.committed for m in (model, again) for weight in weights(m))
    made = read_manifest(tmp_path / "mine")["provenance"]
    assert made["settings"]["training"]["steps"] == 12 and str(tmp_path) not in str(made)


def test_what_a_network_has_learnt_is_not_forgotten(tmp_path):
    """A checkpoint that is loaded and saved again has the first one's provenance in its own."""
    folder = tmp_path / "mine"

    def said():
        return network_words(Record.model_validate(read_manifest(folder)["provenance"]))

    tiny().save(folder)
    assert said() == "untrained network"
    model = DDPMModel.load(folder)
    model.save(folder)
    assert said() == "untrained network"
    model.fit(IMAGES, LABELS, steps=3, batch_size=4, bar=False)
    model.save(folder)
    assert said() == "trained for 3 steps"
    DDPMModel.load(folder).save(folder)
    assert said() == "trained for 3 steps"


@pytest.fixture
def learnt(tmp_path):
    """Return a function that saves a model, and what is said of its network then."""

    def said(model):
        model.save(tmp_path / "learnt")
        made = read_manifest(tmp_path / "learnt")["provenance"]
        return network_words(Record.model_validate(made))

    return said


@pytest.fixture
def quick(monkeypatch):
    """Let trainings take no time: any change of the weights will do."""

    def changed(network, *arguments, **named):
        by_hand(other := nnx.clone(network))
        return other, LOSSES

    monkeypatch.setattr("sfumato.learning.train", changed)


def by_hand(network):
    """Change the weights, as a loop of one's own does."""
    weights = nnx.state(network, nnx.Param)
    nnx.update(network, jax.tree.map(lambda weight: weight + 1e-3, weights))


@pytest.mark.usefixtures("quick")
def test_each_training_is_remembered(learnt, tmp_path):
    """Whether the model was saved in between, or loaded, or got other classes."""
    model, more = tiny(), {"labels": 0, "batch_size": 4, "bar": False}
    for steps, said in ((7, "7 steps"), (2, "9 steps in 2 parts"), (3, "12 steps in 3 parts")):
        model.fit(IMAGES, steps=steps, **more)
        assert learnt(model) == f"trained for {said}"
    model.fit(IMAGES, steps=4, learning_rate=0.01, **more)
    before = "trained for 12 steps in 3 parts, then for 4 steps"
    assert learnt(model) == before
    other = model.with_classes(2)
    assert learnt(other) == before
    model = DDPMModel.load(tmp_path / "learnt")
    for each in (model, other):
        for rate in (0.02, 0.02, 0.03):
            each.fit(IMAGES, steps=2, learning_rate=rate, **more)
        before = "trained for 12 steps in 3 parts, then for 4 steps, then "
        assert learnt(each) == f"{before}for 4 steps in 2 parts, then for 2 steps"
    model.fit(IMAGES, steps=1, **more)
    assert learnt(model) == f"{before}2 times more, then for 1 step"


@pytest.mark.usefixtures("quick")
def test_of_hundreds_of_trainings_the_first_are_forgotten(learnt):
    model = tiny()
    for step in range(120):
        model.fit(IMAGES, steps=1, learning_rate=0.01 + 0.001 * (step % 2), bar=False, batch_size=4)
    assert "times more" in learnt(model) and len(model._origin) < 200_000


def test_a_loop_of_one_s_own_does_not_leave_a_network_untrained(learnt, tmp_path):
    model = tiny()
    assert learnt(model) == learnt(nnx.clone(model)) == "untrained network"
    by_hand(model.network)
    assert learnt(model) == ""  # nobody knows
    model.fit(IMAGES, LABELS, steps=3, batch_size=4, bar=False)
    assert learnt(model) == "trained for 3 steps"
    loaded = DDPMModel.load(tmp_path / "learnt")
    assert learnt(deepcopy(loaded)) == "trained for 3 steps"
    by_hand(loaded.network)
    learnt(loaded)
    made = read_manifest(tmp_path / "learnt")["provenance"]
    assert [*made["inputs"]] == ["initial"] and made["settings"]["training"] == {}
    tiny().save(tmp_path / "fresh")
    loaded = DDPMModel.load(tmp_path / "fresh")
    assert learnt(loaded) == "untrained network"
    by_hand(loaded.network)
    assert learnt(loaded) == "trained"


def test_images_from_0_to_1_are_warned_of():
    with pytest.raises(UserWarning, match="of images in .0, 1. make 2 . images - 1"):
        tiny().fit((IMAGES + 1) / 2, LABELS, steps=1, batch_size=4, bar=False)


def test_a_network_that_cannot_learn_times_is_warned_of(caplog):
    tiny(norm_groups=4).fit(IMAGES, LABELS, steps=1, batch_size=4, bar=False)
    (said,) = caplog.messages
    assert said.startswith("norm_groups: 4 puts each channel into a group of its own")


def test_weights_of_half_precision_are_trained_in_float32():
    halved, whole = tiny(), tiny()
    state = jax.tree.map(lambda a: a.astype("float16"), nnx.state(halved.network, nnx.Param))
    nnx.update(halved.network, state)
    nnx.update(whole.network, jax.tree.map(lambda a: a.astype("float32"), state))
    for model in (halved, whole):
        model.fit(IMAGES, LABELS, **SHORT, rngs=nnx.Rngs(1))
    assert same(halved, whole) and {leaf.dtype for leaf in weights(halved)} == {np.dtype("f4")}


def test_weights_that_are_no_numbers_are_not_kept(tmp_path, monkeypatch):
    """The loss of the last step is that before its update, and may be finite still."""
    model, states = tiny(), loop._states

    def broken(*arguments):
        for state in states(*arguments):
            yield state._replace(average=jax.tree.map(lambda a: a * np.nan, state.average))

    before = weights(model)
    monkeypatch.setattr(loop, "_states", broken)
    with pytest.raises(InputError, match="weights are no longer finite"):
        model.fit(IMAGES, LABELS, **SHORT)
    assert all((x == y).all() for x, y in zip(before, weights(model), strict=True))
    state = nnx.state(model.network, nnx.Param)
    nnx.update(model.network, jax.tree.map(lambda a: a * np.nan, state))
    with pytest.raises(InputError, match=r"save: (\d+) of \1 weights hold NaN"):
        model.save(tmp_path / "broken")
    assert not (tmp_path / "broken").exists()


def test_the_workflow_adopts_what_is_saved_and_the_other_way_round(tmp_path):
    import adopt

    model = tiny(prediction_type="v", beta_schedule="cosine")
    model.save(tmp_path / "mine")
    settings = {
        "model": model.network.config.model_dump(mode="json"),
        "diffusion": model.diffusion.model_dump(mode="json"),
        "weights": {"source": "pretrained"},
    }
    paths = {"checkpoint": tmp_path / "mine", "output": tmp_path / "adopted"}
    words = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
    adopt.main(["--config", json.dumps(settings), *words])
    again = DDPMModel.load(tmp_path / "adopted")
    assert same(again, model) and again.diffusion == model.diffusion


@pytest.mark.parametrize("name", ["mnist", "digits"])
def test_a_model_that_comes_with_the_library(name):
    model = DDPMModel.pretrained(name)
    digest = read_manifest(ROOT / "resources" / "pretrained" / name)["digest"]
    assert len(digest) == 64 and model.network.config.num_classes == (10 if name == "digits" else 0)
    assert model.network.config.input_dim == (28, 28, 1)


def test_what_is_not_learnt_is_said(caplog, monkeypatch):
    monkeypatch.setattr("sfumato.learning.train", lambda network, *_, **__: (network, LOSSES))
    tiny(num_classes=3).fit(IMAGES, **SHORT)
    linear = {"path": "linear", "prediction_type": "u"}
    tiny(**linear).fit(IMAGES, LABELS, **SHORT, weighting="min_snr")
    tiny(num_classes=3).fit(IMAGES, LABELS, **SHORT, weighting="min_snr")
    assert [record.getMessage().partition(",")[0] for record in caplog.records] == [
        "labels: none are given",
        "weighting: min_snr gives the last time",
    ]
    caplog.clear()
    tiny().fit(np.concatenate([IMAGES, -np.ones((2, 8, 8, 1))]), 0, **SHORT)
    assert caplog.messages == ["images: 2 of 14 are blank, each of one value"]


def test_a_model_drops_features_until_it_has_learnt(tmp_path, monkeypatch):
    """And inside jit, grad and vmap it can be called as soon as it drops none."""
    monkeypatch.setattr(sfumato.learning, "train", lambda network, *_, **__: (network, LOSSES))
    model = tiny(dropout=0.5)
    weights = nnx.state(model.network, nnx.Param)
    nnx.update(model.network, jax.tree.map(lambda weight: weight + 0.1, weights))

    def said(model):
        return np.asarray(model(IMAGES, 5)["predicted_noise"])

    assert np.abs(said(model) - said(model)).max() > 0
    with pytest.raises(InputError, match="rngs: jax traces this"):
        jax.jit(lambda x: model(x, 5)["predicted_noise"])(IMAGES)
    model.fit(IMAGES, LABELS, **SHORT)
    np.testing.assert_array_equal(said(model), said(model))
    jax.eval_shape(lambda x: model(x, 5)["predicted_noise"], IMAGES)
    model.train()
    model.save(tmp_path / "saved")
    loaded = DDPMModel.load(tmp_path / "saved")
    np.testing.assert_array_equal(said(loaded), said(loaded))


@pytest.mark.parametrize("place", ["s3://bucket/mine", "file:///mine", "gs://a"])
def test_an_address_is_no_folder(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"^folder: {place} is an address"):
        tiny().save(place)
    with pytest.raises(InputError, match=f"^folder: {place} is an address"):
        DDPMModel.load(place)
    assert not [*tmp_path.iterdir()]


def test_a_checkpoint_that_does_not_say_what_made_it_is_not_trained_further(tmp_path):
    tiny().save(tmp_path / "mine")
    path = tmp_path / "mine" / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["provenance"]["script"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="does not say what made it: provenance.script"):
        DDPMModel.load(tmp_path / "mine")


def test_no_checkpoint_lies_in_another(tmp_path):
    model = tiny()
    model.save(tmp_path / "outer")
    with pytest.raises(InputError, match="inner lies in the checkpoint .*outer; name another"):
        model.save(tmp_path / "outer" / "inner")
    model.save(tmp_path / "outer")


CASES = {
    "name": (
        lambda: DDPMModel.pretrained("mnits"),
        "'mnits' must be one of 'digits', 'fashion' or 'mnist'; d",
    ),
    "folder": (lambda: DDPMModel.load("nowhere"), "there is no checkpoint at nowhere"),
    "no folder": (lambda: DDPMModel.load(None), "folder: None must be a path, such as"),
    "a file": (lambda: tiny().save(__file__), "test_learning.py: no folder can be here; name an"),
    "in a file": (lambda: tiny().save(f"{__file__}/a"), "this is a file, and should be a folder"),
    "masked": (lambda: tiny().fit(np.ma.masked_array(IMAGES, IMAGES > 0)), "real and not masked"),
    "complex": (lambda: tiny().fit(IMAGES.astype(complex)), "must be an array of numbers, real"),
    "digits in text": (lambda: tiny().fit(IMAGES.astype(str)), "must be an array of numbers, re"),
    "no place": (lambda: tiny().save(3), "folder: 3 must be a path, such as"),
    "ragged": (lambda: tiny().fit(IMAGES, [[1], [1, 2]]), "labels: [[1], [1, 2]] must be an array"),
    "shape": (lambda: tiny().fit(IMAGES[..., 0]), "images: its shape (12, 8, 8) must be (N, 8, 8,"),
    "levels": (lambda: tiny().fit(127.5 * (IMAGES + 1)), "0 to 255"),
    "label": (lambda: tiny().fit(IMAGES, LABELS + 1), "labels: "),
    "labels": (lambda: tiny().fit(IMAGES, LABELS[:5]), "labels: their shape (5,) must be (12,)"),
    "no classes": (
        lambda: tiny(num_classes=0).fit(IMAGES, LABELS),
        "labels: this network knows no",
    ),
    "steps": (lambda: tiny().fit(IMAGES, steps=0), "steps: 0 must be at least 1"),
    "setting": (lambda: tiny().fit(IMAGES, stepz=3), "fit.stepz: unknown key"),
    "rate": (lambda: tiny().fit(IMAGES, learning_rate=-1), "fit.learning_rate: -1 must be greater"),
    "split": (lambda: sfumato.load_digits("all"), "split: 'all' must be one of 'train' or 'test'"),
    "picture": (lambda: sfumato.show(IMAGES[0, 0]), "images: their shape (8, 1) must be (N, H, W"),
    "no numbers": (lambda: sfumato.show(IMAGES * np.nan), "images: hold NaN or infinities"),
    "text": (lambda: sfumato.show("x"), "images: 'x' must be an array of numbers"),
    "rows": (lambda: sfumato.show([[1], [2, 3]]), "images: [[1], [2, 3]] must be an array of num"),
    "colours": (
        lambda: sfumato.show(IMAGES, colormap="viridi"),
        "colormap: 'viridi' is no name of one of Matplotlib's; did you mean 'viridis'?",
    ),
    "map": (lambda: sfumato.show(IMAGES, colormap=3), "colormap: 3 is no name of one of Matplotl"),
    "columns": (lambda: sfumato.show(IMAGES, columns=0), "columns: 0 must be at least 1"),
    "shown levels": (lambda: sfumato.show(IMAGES * 127 + 128), "images: "),
    "loaded file": (
        lambda: DDPMModel.load(__file__),
        "this is a file, and a checkpoint is a folder",
    ),
    "lr": (
        lambda: tiny().fit(IMAGES, lr=1),
        "fit.lr: unknown key (its value: 1); here it is le",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_said_in_a_sentence(name):
    call, said = CASES[name]
    with pytest.raises(InputError) as caught:
        call()
    assert said in str(caught.value)


def test_real_digits():
    images, labels = sfumato.load_digits()
    assert images.shape == (4000, 28, 28, 1) and labels.shape == (4000,)
    assert images.min() == -1 and images.max() == 1 and set(labels) == set(range(10))
    assert len(sfumato.load_digits("test")[0]) == 1000


def test_images_side_by_side():
    picture = np.asarray(sfumato.show(IMAGES, columns=5))
    scale = 11  # of 8 pixels to at least 84
    assert picture.shape == (3 * (8 * scale + 4) + 4, 5 * (8 * scale + 4) + 4, 3)
    top, left = 1 * 92 + 4, 2 * 92 + 4  # of image 7
    shown = picture[top : top + 88 : scale, left : left + 88 : scale, 0]
    np.testing.assert_allclose(shown, 127.5 * (IMAGES[7, ..., 0] + 1), atol=1.5)
    assert (picture[:4] == 255).all() and (picture[-90:, -90:] == 255).all()  # no image there
    colour = np.repeat(IMAGES[:1], 3, axis=-1)
    assert np.asarray(sfumato.show(colour[0])).shape == (96, 96, 3)


@pytest.mark.parametrize("dtype", ["bfloat16", slow("float16")])
def test_weights_of_half_precision_are_kept_in_float32(dtype, tmp_path):
    model = tiny()
    nnx.update(model.network, jax.tree.map(lambda a: a.astype(dtype), nnx.state(model.network)))
    model.save(tmp_path / "half")
    loaded = DDPMModel.load(tmp_path / "half")
    both = (jax.tree.leaves(nnx.state(each.network)) for each in (model, loaded))
    for ours, theirs in zip(*both, strict=True):
        assert theirs.dtype == np.float32
        np.testing.assert_array_equal(np.float32(ours), theirs)


def test_a_file_of_the_user_stays(tmp_path):
    (tmp_path / "thesis.csv").write_text("mine")
    for _ in range(2):
        with pytest.raises(InputError, match="no folder can be here"):
            tiny().save(tmp_path / "thesis.csv")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["mine"]


def test_levels_of_a_picture_are_shown_as_they_are():
    levels = np.arange(192, dtype=np.uint8).reshape(1, 8, 8, 3)
    shown = np.asarray(sfumato.show(levels))
    assert set(levels.flat) <= set(shown.flat)
