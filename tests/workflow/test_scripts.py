"""The scripts, called as functions: what they write, what they refuse, which settings they read."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, TINY, another_value, nested, setting_paths, some_quick
from PIL import Image

from sfumato.config.experiment import Experiment, settings_of
from sfumato.records.arrays import digest, load_arrays

SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))
DDPM_OF_TRAJECTORY = [f"ddpm.{key}" for key in Experiment().ddpm.model_dump() if key != "n_samples"]
SAMPLING = ["seed", "model", "diffusion", "sampling"]
LOOKS = ["render.dpi", "render.panel_inches", "render.colormap"]

# Script, sections, other arguments, what it writes; {} is the folder.
STEPS = {
    "data.npz": ("prepare_data", ["data", "model.input_dim", "seed"], "--output {}/data.npz"),
    "checkpoint": ("initialise", ["seed", "model", "diffusion"], "--output {}/checkpoint"),
    "forward.npz": (
        "forward",
        ["seed", "diffusion", "forward"],
        "--data {}/data.npz --output {}/forward.npz",
    ),
    **{
        f"{sampler}_samples.npz": (
            "sample",
            [*SAMPLING, sampler],
            f"--sampler {sampler} --checkpoint {{}}/checkpoint --output {{}}/{sampler}_samples.npz"
            f" --timing {{}}/{sampler}_samples.timing.json",
        )
        for sampler in ("ddpm", "ddim")
    },
    **{
        f"shards/{k}.npz": (
            "sample",
            [*SAMPLING, "ddim"],
            f"--sampler ddim --checkpoint {{}}/checkpoint --shard {k}/2"
            f" --output {{}}/shards/{k}.npz --timing {{}}/shards/{k}.json",
        )
        for k in (1, 2)
    },
    "gathered.npz": (
        "gather",
        None,
        "--arrays {}/shards/2.npz {}/shards/1.npz --timings {}/shards/1.json {}/shards/2.json"
        " --output {}/gathered.npz --timing {}/gathered.json",
    ),
    "trajectory.npz": (
        "trajectory",
        [*SAMPLING, "trajectory", *DDPM_OF_TRAJECTORY],
        "--checkpoint {}/checkpoint --output {}/trajectory.npz",
    ),
    "speed.json": (
        "compare_speed",
        None,
        "--ddpm {}/ddpm_samples.timing.json --ddim {}/ddim_samples.timing.json"
        " --output {}/speed.json",
    ),
    "forward.png": ("render_forward", LOOKS, "--arrays {}/forward.npz --output {}/forward.png"),
    "ddim_samples.png": (
        "render_samples",
        [*LOOKS, "render.columns", "render.max_panels"],
        "--arrays {}/ddim_samples.npz --output {}/ddim_samples.png",
    ),
    "trajectory.png": (
        "render_trajectory",
        LOOKS,
        "--arrays {}/trajectory.npz --output {}/trajectory.png",
    ),
    "trajectory.gif": (
        "render_animation",
        [*LOOKS, "render.frames_per_second"],
        "--arrays {}/trajectory.npz --output {}/trajectory.gif",
    ),
    "speed.png": ("render_speed", ["render.dpi"], "--speed {}/speed.json --output {}/speed.png"),
}


def arguments(name, folder, experiment, config=None):
    """Return the module and the command line that make `name` in `folder`."""
    script, keys, rest = STEPS[name]
    words = [word.format(folder) for word in rest.split()]
    if keys is not None:
        words += ["--config", config or json.dumps(settings_of(experiment, *keys))]
    return importlib.import_module(script), words


def build(names, folder, override=None):
    """Run the scripts that make `names`, in order."""
    experiment = Experiment.model_validate(merge(TINY, override or {}))
    for name in names:
        module, words = arguments(name, folder, experiment)
        module.main(words)


def merge(base, override):
    merged = dict(base)
    for key, value in override.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return a folder with every artifact of the tiny experiment."""
    folder = tmp_path_factory.mktemp("tiny results")
    build(STEPS, folder)
    return folder


def refused(capsys, name, folder, tiny, config=None, **changes):
    """Run a script that must fail, and return its one sentence."""
    module, words = arguments(name, folder, tiny, config)
    for option, value in changes.items():
        words[words.index(f"--{option}") + 1] = str(value)
    with pytest.raises(SystemExit) as caught:
        module.main(words)
    assert isinstance(caught.value.code, str)
    assert caught.value.code.startswith("error: ")
    return caught.value.code


def test_every_script_is_tested():
    elsewhere = {"explain", "freeze", "verify"}  # test_explain.py, test_verify.py
    elsewhere |= {"train", "adopt", "render_training"}  # test_train_script.py
    # test_training_workflow.py
    elsewhere |= {"train_classifier", "evaluate", "compare_quality"}
    elsewhere |= {"render_quality", "render_nearest"}
    assert {script for script, *_ in STEPS.values()} == set(SCRIPTS) - elsewhere


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_thin_and_says_how_to_run_it(script, capsys):
    module = importlib.import_module(script)
    assert f"python scripts/{script}.py" in module.__doc__
    assert len((ROOT / "scripts" / f"{script}.py").read_text().splitlines()) <= 75
    with pytest.raises(SystemExit) as caught:
        module.main(["--help"])
    assert caught.value.code == 0 and f"scripts/{script}.py" in capsys.readouterr().out


@pytest.mark.parametrize("name", [name for name in STEPS if name.endswith(".npz")])
def test_arrays_are_whole_and_described(built, name):
    arrays, provenance = load_arrays(built / name)
    for array in arrays.values():
        assert np.isfinite(array).all()
        assert array.dtype in (np.float32, np.int32)
    keys = settings_of(Experiment.model_validate(TINY), *(STEPS[name][1] or []))
    for section, value in keys.items():
        recorded = provenance["settings"][section]
        assert recorded == value or value.items() <= recorded.items()
    assert provenance["versions"]["numpy"] == np.__version__
    assert len(provenance["code"]) == 64
    text = json.dumps(provenance)
    for private in (str(Path.home()), str(built), str(ROOT), "20" + "26-"):
        assert private not in text


def test_shapes(built):
    samples, _ = load_arrays(built / "ddpm_samples.npz")
    assert samples["images"].shape == (5, 8, 8, 1) and samples["timesteps"].tolist() == [
        *range(19, 0, -2)
    ]
    assert np.abs(samples["images"]).max() <= 1
    assert load_arrays(built / "ddim_samples.npz")[0]["timesteps"].tolist() == [19, 15, 11, 7, 3]
    trajectory, _ = load_arrays(built / "trajectory.npz")
    assert trajectory["images"].shape == trajectory["predicted_x_0"].shape == (4, 8, 8, 1)
    assert trajectory["timesteps"].tolist() == [19, 13, 5, -1]
    assert trajectory["frames"].shape == (8, 8, 8, 1)
    assert trajectory["frame_timesteps"].tolist()[:: len(trajectory["frames"]) - 1] == [19, -1]


def test_the_trajectory_ends_in_sample_0_of_the_ddpm_figure(built):
    trajectory, samples = (
        load_arrays(built / f"{n}.npz")[0] for n in ("trajectory", "ddpm_samples")
    )
    for last in (trajectory["images"], trajectory["predicted_x_0"], trajectory["frames"]):
        np.testing.assert_array_equal(last[-1], samples["images"][0])


def test_the_forward_panels_are_one_path(built):
    arrays, _ = load_arrays(built / "forward.npz")
    data, _ = load_arrays(built / "data.npz")
    np.testing.assert_array_equal(arrays["x_0"], data["test_images"][1])
    for x_t, a in zip(arrays["images"], arrays["alpha_bar"].astype(float), strict=True):
        eps = (x_t - np.sqrt(a) * arrays["x_0"]) / np.sqrt(1 - a)
        # alpha_bar is rounded to float32: 1 - alpha_bar = 1e-4 keeps three digits
        np.testing.assert_allclose(eps, arrays["noise"], atol=5e-3)


def test_digests_link_the_artifacts(built):
    forward, data = (load_arrays(built / f"{name}.npz") for name in ("forward", "data"))
    assert forward[1]["inputs"]["data"] == {"digest": digest(data[0]), "provenance": data[1]}
    manifest = json.loads((built / "checkpoint" / "manifest.json").read_text())
    of_samples = load_arrays(built / "ddim_samples.npz")[1]["inputs"]["checkpoint"]
    assert of_samples["digest"] == manifest["digest"]
    figure = json.loads(Image.open(built / "ddim_samples.png").text["provenance"])  # type: ignore[attr-defined]
    samples, provenance = load_arrays(built / "ddim_samples.npz")
    assert figure["inputs"]["arrays"] == {"digest": digest(samples), "provenance": provenance}


def test_speed_is_measured(built):
    speed = json.loads((built / "speed.json").read_text())
    ddpm, ddim = (
        json.loads((built / f"{name}_samples.timing.json").read_text()) for name in ("ddpm", "ddim")
    )
    assert (speed["ddpm"], speed["ddim"]) == (ddpm, ddim)
    assert speed["steps_ratio"] == 10 / 5
    assert speed["seconds_ratio"] == pytest.approx(ddpm["seconds"]["run"] / ddim["seconds"]["run"])
    assert ddpm["seconds"].keys() == {"compile", "run"} and ddpm["device"]["backend"]


def test_sample_i_is_the_same_however_many_are_drawn(built, tmp_path):
    shutil.copytree(built / "checkpoint", tmp_path / "checkpoint")
    five = load_arrays(built / "ddpm_samples.npz")[0]["images"]
    for n in (1, 8, 9):
        build(["ddpm_samples.npz"], tmp_path, {"ddpm": {"n_samples": n}})
        images = load_arrays(tmp_path / "ddpm_samples.npz")[0]["images"]
        np.testing.assert_array_equal(images[:5], five[:n])


def results_of(path, folder):
    """Build what a setting is for, and return a digest of its arrays or pixels."""
    chain = {
        "data": ["data.npz"],
        "forward": ["data.npz", "forward.npz"],
        "seed": ["checkpoint", "ddim_samples.npz"],
        "model": ["checkpoint", "ddim_samples.npz"],
        "diffusion": ["checkpoint", "ddim_samples.npz"],
        "ddpm": ["checkpoint", "ddpm_samples.npz"],
        "ddim": ["checkpoint", "ddim_samples.npz"],
        "trajectory": ["checkpoint", "trajectory.npz"],
    }
    names = chain[path.partition(".")[0]]
    build(names, folder, nested(path, another_value(path)))
    return digest(load_arrays(folder / names[-1])[0])


# Settings whose effect is not on the arrays of an untrained network, and the test that shows it.
SHOWN_ELSEWHERE = {
    "figures": "test_workflow.py::test_figures_choose_the_targets",
    "shards": "test_sharding.py::test_any_number_of_shards_gives_the_same_bytes",
    "model.dropout": "test_unet.py::test_dropout_drops_while_training_and_only_then",
    "model.num_classes": "test_unet.py::test_settings_that_size_the_network",
    "sampling.micro_batch": "test_scripts.py::test_micro_batch_is_the_batch_of_the_network",
    "data.folder": "test_data_sources.py",
    "data.url": "test_data_sources.py",
    "data.fit": "test_datasets.py",
}
# Those of `training` are in test_training.py, the others in test_training_workflow.py.
OF_OTHERS = ("render.", "weights.", "training.", "evaluation.")


PATHS = [p for p in setting_paths() if p not in SHOWN_ELSEWHERE and not p.startswith(OF_OTHERS)]
FIRST_OF_SECTION = {path.partition(".")[0]: path for path in reversed(PATHS)}.values()


@pytest.mark.parametrize("path", some_quick(PATHS, lambda path: path in FIRST_OF_SECTION))
def test_every_setting_changes_a_result(path, built, tmp_path):
    section = path.partition(".")[0]
    last = {
        "data": "data",
        "forward": "forward",
        "ddpm": "ddpm_samples",
        "trajectory": "trajectory",
    }
    before = load_arrays(built / f"{last.get(section, 'ddim_samples')}.npz")[0]
    assert results_of(path, tmp_path) != digest(before)


@pytest.mark.parametrize("path", [p for p in setting_paths() if p.startswith("render.")])
def test_every_look_changes_a_figure(path, built, tmp_path):
    for file in built.glob("*.npz"):
        shutil.copy(file, tmp_path)
    figure = {"render.frames_per_second": "trajectory.gif"}.get(path, "ddim_samples.png")
    build([figure], tmp_path, nested(path, another_value(path)))

    def content(folder):
        with Image.open(folder / figure) as image:
            return image.size, image.convert("RGB").tobytes(), image.info.get("duration")

    assert content(tmp_path) != content(built)


def test_micro_batch_is_the_batch_of_the_network(built, tmp_path):
    shutil.copytree(built / "checkpoint", tmp_path / "checkpoint")
    build(["ddim_samples.npz"], tmp_path, {"sampling": {"micro_batch": 2}})
    assert json.loads((tmp_path / "ddim_samples.timing.json").read_text())["micro_batch"] == 2
    a, b = (load_arrays(folder / "ddim_samples.npz")[0]["images"] for folder in (built, tmp_path))
    np.testing.assert_allclose(a, b, atol=1e-3)


@pytest.mark.parametrize("name", [name for name in STEPS if STEPS[name][1]])
def test_a_bad_config_gets_a_sentence(name, built, tiny, capsys):
    said = refused(capsys, name, built, tiny, config="{")
    assert "this is not JSON" in said
    settings = settings_of(tiny, *STEPS[name][1])
    settings["sede"] = 1
    said = refused(capsys, name, built, tiny, config=json.dumps(settings))
    assert "sede: unknown key (its value: 1)" in said
    section = next(key for key, value in settings.items() if isinstance(value, dict))
    del settings["sede"]
    settings[section]["typo"] = "x"
    said = refused(capsys, name, built, tiny, config=json.dumps(settings))
    assert f"{section}.typo: unknown key" in said
    assert "must be a group" in refused(capsys, name, built, tiny, config="[]")


def test_settings_that_are_wrong_together(built, tiny, capsys, config_of):
    config = config_of(*SAMPLING, "ddim", ddim__steps=21)
    said = refused(capsys, "ddim_samples.npz", built, tiny, config=config)
    assert said == "error: ddim.steps: 21 must be at most diffusion.noise_steps (20)"
    config = config_of("seed", "diffusion", "forward", forward__timesteps=[20])
    said = refused(capsys, "forward.npz", built, tiny, config=config)
    assert said == "error: forward.timesteps[0]: 20 must be from 0 to 19"
    config = config_of("seed", "diffusion", "forward", forward__index=4)
    said = refused(capsys, "forward.npz", built, tiny, config=config)
    assert said == "error: forward.index: 4 must be less than 4"


def test_a_checkpoint_of_other_settings_is_refused(built, tiny, capsys, config_of):
    config = config_of(*SAMPLING, "ddim", model__channels=8)
    said = refused(capsys, "ddim_samples.npz", built, tiny, config=config)
    assert "was made with model.channels = 4, and the config says 8" in said
    config = config_of(*SAMPLING, "ddim", diffusion__beta_schedule="cosine")
    said = refused(capsys, "ddim_samples.npz", built, tiny, config=config)
    assert "was made with diffusion.beta_schedule = linear, and the config says cosine" in said


def test_missing_and_broken_inputs(built, tiny, capsys, tmp_path):
    said = refused(capsys, "ddim_samples.npz", built, tiny, checkpoint=tmp_path / "none")
    assert "there is no checkpoint" in said
    said = refused(capsys, "forward.npz", built, tiny, data=tmp_path / "none.npz")
    assert "there is no such file" in said
    (tmp_path / "cut.npz").write_bytes((built / "trajectory.npz").read_bytes()[:500])
    said = refused(capsys, "trajectory.png", built, tiny, arrays=tmp_path / "cut.npz")
    assert "not a whole .npz file" in said
    said = refused(capsys, "forward.png", built, tiny, arrays=built / "ddim_samples.npz")
    assert "but no x_0: it is of another kind" in said
    said = refused(capsys, "ddim_samples.npz", built, tiny, sampler="dpm")
    assert "choose one of ddpm, ddim" in said
    for content in ("{", "[]", "{}"):
        (tmp_path / "timing.json").write_text(content)
        said = refused(capsys, "speed.json", built, tiny, ddim=tmp_path / "timing.json")
        assert "timing" in said


def test_times_of_two_devices_are_not_compared(built, tiny, capsys, tmp_path):
    timing = json.loads((built / "ddim_samples.timing.json").read_text())
    timing["device"]["kind"] = "other"
    (tmp_path / "timing.json").write_text(json.dumps(timing))
    said = refused(capsys, "speed.json", built, tiny, ddim=tmp_path / "timing.json")
    assert "sample both on one device" in said


def test_an_output_that_cannot_be_written(built, tiny, capsys, tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = refused(capsys, "forward.png", built, tiny, output=tmp_path / "file" / "a.png")
    assert str(tmp_path / "file") in said


@pytest.mark.parametrize(("weight", "said"), [(np.nan, "NaN or infinite"), (0.0, "is blank")])
def test_a_broken_network_draws_no_figure(weight, said, tiny, capsys, tmp_path):
    """Weights of NaN, or a network that always predicts one grey: the script writes nothing."""
    import jax
    from flax import nnx

    from sfumato.networks.initialisation import initialise
    from sfumato.records.checkpoint import save_checkpoint

    tiny = tiny.model_copy(
        update={"diffusion": tiny.diffusion.model_copy(update={"prediction_type": "x_0"})}
    )
    unet = initialise(tiny.model, jax.random.key(0))
    state = jax.tree.map(lambda leaf: leaf * 0 + weight, nnx.state(unet))
    nnx.update(unet, state)
    save_checkpoint(tmp_path / "checkpoint", unet, tiny.diffusion, {})
    assert said in refused(capsys, "ddim_samples.npz", tmp_path, tiny)
    assert not list(tmp_path.glob("*.npz")) and not list(tmp_path.glob("*.json"))


def test_only_a_process_of_its_own_is_spared_the_collection_of_what_it_imported():
    script = """
import gc
from sfumato.workflow.command_line import command
main = command(lambda argv: print(gc.get_freeze_count() > 1000))
main([]), main()
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "True"]
