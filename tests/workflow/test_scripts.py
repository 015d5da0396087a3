"""The scripts, called as functions: what they write, what they refuse, which settings they read."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import (
    ALLOWED_WITH,
    ROOT,
    another_value,
    changing,
    nested,
    scored_config,
    setting_paths,
    some_quick,
    tiny_experiment,
)
from PIL import Image
from snakemake.iocontainers import Wildcards
from tiny_build import JOBS, build, call_of, script_of, settings

from sfumato.config.resolve import resolve
from sfumato.figures.titles import drawn_words
from sfumato.records.arrays import digest
from sfumato.records.opening import open_record
from sfumato.workflow.plan import Plan

pytestmark = pytest.mark.quick_compile

SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))


def arrays_of(path):
    """Return all arrays of a file, read and so compared with their digests."""
    return open_record(path).read()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder with every artifact of the tiny experiment; any path will do."""
    folder = tmp_path_factory.mktemp("tiny") / "results [v2] {x} %d *\\ é#"
    build(JOBS, folder)
    return folder


def refused(name, folder, config=None, **changes):
    """Run a script that must fail, and return its one sentence."""
    module, words = call_of(name, folder, tiny_experiment(), config)
    for option, value in changes.items():
        words[words.index(f"--{option}") + 1] = str(value)
    with pytest.raises(SystemExit) as caught:
        module.main(words)
    said = caught.value.code
    assert isinstance(said, str) and said.startswith("error: ")
    return said


def test_every_script_is_called_somewhere():
    elsewhere = {"explain", "freeze", "gallery", "verify"}  # tests/records, tests/gallery
    elsewhere |= {"train", "adopt"}  # tests/training/test_train_script.py
    elsewhere |= {"train_guidance_classifier"}  # tests/training/test_guidance_classifier.py
    elsewhere |= {"compare_points", "converge"}  # tests/workflow/test_sweeps.py
    elsewhere |= {"likelihood"}  # tests/evaluation/test_likelihood_script.py
    of_evaluation = {"train_classifier", "evaluate", "compare_quality"}  # below
    assert {*map(script_of, JOBS), *elsewhere, *of_evaluation} == set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_thin_and_says_how_to_run_it(script, capsys):
    module = importlib.import_module(script)
    assert f"python scripts/{script}.py" in module.__doc__
    assert len((ROOT / "scripts" / f"{script}.py").read_text().splitlines()) <= 75
    with pytest.raises(SystemExit) as caught:
        module.main(["--help"])
    assert caught.value.code == 0 and f"scripts/{script}.py" in capsys.readouterr().out


@pytest.mark.parametrize("name", [name for name in JOBS if name.endswith(".npz")])
def test_arrays_are_whole_and_described(made, name):
    opened = open_record(made / name)
    for array in opened.read().values():
        assert np.isfinite(array).all()
        assert array.dtype in (np.float32, np.int32)
    read, record = settings(name, tiny_experiment()), opened.record
    if read != "null":
        assert record.settings == json.loads(read)
    assert record.versions["numpy"] == np.__version__
    assert len(record.code) == 64
    text = record.model_dump_json()
    for private in (str(Path.home()), str(made), str(ROOT), "20" + "26-"):
        assert private not in text


def test_shapes(made):
    samples = arrays_of(made / "ddpm_samples.npz")
    assert samples["images"].shape == (5, 8, 8, 1)
    assert samples["timesteps"].tolist() == [*range(19, 0, -2)]
    assert np.abs(samples["images"]).max() <= 1
    assert arrays_of(made / "ddim_samples.npz")["timesteps"].tolist() == [19, 15, 11, 7, 3]
    trajectory = arrays_of(made / "trajectory.npz")
    assert trajectory["images"].shape == trajectory["predicted_x_0"].shape == (4, 8, 8, 1)
    assert trajectory["timesteps"].tolist() == [19, 13, 5, -1]
    assert trajectory["frames"].shape == (8, 8, 8, 1)
    assert trajectory["frame_timesteps"].tolist()[:: len(trajectory["frames"]) - 1] == [19, -1]


def test_the_trajectory_ends_in_sample_0_of_the_ddpm_figure(made):
    trajectory, samples = (arrays_of(made / f"{n}.npz") for n in ("trajectory", "ddpm_samples"))
    for last in (trajectory["images"], trajectory["predicted_x_0"], trajectory["frames"]):
        np.testing.assert_array_equal(last[-1], samples["images"][0])


def test_the_forward_panels_are_one_path(made):
    arrays, data = (arrays_of(made / f"{name}.npz") for name in ("forward", "data"))
    np.testing.assert_array_equal(arrays["x_0"], data["test_images"][1])
    for x_t, a in zip(arrays["images"], arrays["alpha_bar"].astype(float), strict=True):
        eps = (x_t - np.sqrt(a) * arrays["x_0"]) / np.sqrt(1 - a)
        # alpha_bar is rounded to float32: 1 - alpha_bar = 1e-4 keeps three digits
        np.testing.assert_allclose(eps, arrays["noise"], atol=5e-3)


def test_shards_joined_are_what_one_job_writes(made):
    """Byte for byte; and the times of the shards, added up."""
    assert (made / "gathered.npz").read_bytes() == (made / "ddim_samples.npz").read_bytes()
    whole, first, second = (
        json.loads((made / name).read_text())
        for name in ("gathered.json", "shards/1.json", "shards/2.json")
    )
    assert whole["n_samples"] == 5 == first["n_samples"] + second["n_samples"]
    assert whole["seconds"]["run"] == first["seconds"]["run"] + second["seconds"]["run"]


def test_digests_link_the_artifacts(made):
    data, forward = (open_record(made / f"{name}.npz") for name in ("data", "forward"))
    assert forward.record.inputs["data"].model_dump() == data.origin
    manifest = json.loads((made / "checkpoint" / "manifest.json").read_text())
    samples = open_record(made / "ddim_samples.npz")
    assert samples.record.inputs["checkpoint"].digest == manifest["digest"]
    with Image.open(made / "ddim_samples.png") as image:
        figure = json.loads(image.text["provenance"])  # type: ignore[attr-defined]
    assert figure["inputs"]["arrays"] == samples.origin


def test_speed_is_measured(made):
    speed, *timings = (
        json.loads((made / name).read_text())
        for name in ("speed.json", "ddpm_samples.timing.json", "ddim_samples.timing.json")
    )
    ddpm, ddim = timings
    assert speed["runs"] == {"ddpm": ddpm, "ddim": ddim}
    assert speed["nfe_ratio"] == {"ddpm": 1, "ddim": 10 / 5}
    ratio = ddpm["seconds"]["run"] / ddim["seconds"]["run"]
    assert speed["seconds_ratio"]["ddim"] == pytest.approx(ratio)
    assert (ddim["entry"], ddim["sampler"], ddim["steps"], ddim["nfe"]) == ("ddim", "ddim", 5, 5)
    for name, work in (("ddpm", {"steps": 10, "nfe": 10}), ("ddim", {"steps": 5, "nfe": 5})):
        assert open_record(made / f"{name}_samples.npz").record.chain.model_dump() == work
    assert open_record(made / "trajectory.npz").record.chain.nfe == 10
    assert ddpm["seconds"].keys() == {"compile", "run"} and ddpm["device"]["backend"]


def test_steps_and_evaluations_are_those_that_were_taken(made, tmp_path):
    """Where times fall together, and where a step asks twice: array, record, timing and title."""
    shutil.copytree(made / "checkpoint", tmp_path / "checkpoint")
    entry = {"sampler": "heun", "steps": 20, "spacing": "karras", "n_samples": 1}
    samples = {"samples": {"ddim": {**entry}, "ddpm": None}, "trajectory": {"of": "ddim"}}
    names = ["ddim_samples.npz", "ddim_samples.timing.json", "trajectory.npz"]
    build(["ddim_samples.npz", "trajectory.npz"], tmp_path, samples)
    steps = len(arrays_of(tmp_path / names[0])["timesteps"])
    assert 1 < steps < 20
    work = {"steps": steps, "nfe": 2 * steps - 1}
    timing = json.loads((tmp_path / names[1]).read_text())
    records = [open_record(tmp_path / names[0]).record, open_record(tmp_path / names[2]).record]
    assert [each.chain.model_dump() for each in records] == [work, work]
    assert timing.items() >= work.items()
    said = f"Heun, {steps} steps, {2 * steps - 1} evaluations, spacing karras"
    assert [drawn_words(each) for each in records] == [said, said]


def test_sample_i_is_the_same_however_many_are_drawn(made, tmp_path):
    shutil.copytree(made / "checkpoint", tmp_path / "checkpoint")
    five = arrays_of(made / "ddpm_samples.npz")["images"]
    for n in (1, 8, 9):
        build(["ddpm_samples.npz"], tmp_path, {"samples": {"ddpm": {"n_samples": n}}})
        images = arrays_of(tmp_path / "ddpm_samples.npz")["images"]
        np.testing.assert_array_equal(images[:5], five[:n])


def test_an_entry_can_have_a_seed_of_its_own(made, tmp_path):
    """With that of another experiment it draws what that one draws from the same network."""
    shutil.copytree(made / "checkpoint", tmp_path / "checkpoint")
    drawn = []
    for override in ({"samples": {"ddim": {"seed": 7}}}, {"seed": 7}):
        build(["ddim_samples.npz"], tmp_path, override)
        drawn.append(arrays_of(tmp_path / "ddim_samples.npz")["images"])
    np.testing.assert_array_equal(*drawn)
    assert not np.array_equal(drawn[0], arrays_of(made / "ddim_samples.npz")["images"])


# What is built to see a setting of each section.
CHAINS = {
    "data": ["data.npz"],
    "forward": ["data.npz", "forward.npz"],
    "seed": ["checkpoint", "ddim_samples.npz"],
    "model": ["checkpoint", "ddim_samples.npz"],
    "diffusion": ["checkpoint", "ddim_samples.npz"],
    "samples.ddpm": ["ddpm_samples.npz"],
    "samples.ddim": ["ddim_samples.npz"],
    "trajectory": ["trajectory.npz"],
}
# Settings whose effect is not on the arrays of an untrained network, and the test that shows it.
SHOWN_ELSEWHERE = {
    "figures": "test_workflow.py::test_figures_choose_the_targets",
    **dict.fromkeys(
        ["samples.ddpm.rho", "samples.ddim.rho"],
        "test_times.py::test_times_are_the_nearest_to_even_values",
    ),
    **dict.fromkeys(
        ["samples.ddpm.percentile", "samples.ddim.percentile"],
        "test_model.py::test_dynamic_clipping_is_another_way_into_the_range",
    ),
    "shards": "test_shards.py::test_any_number_of_shards_gives_the_same_bytes",
    "model.dropout": "test_unet.py",
    "model.num_classes": "test_unet.py",
    "sampling.micro_batch": "test_scripts.py::test_micro_batch_is_the_batch_of_the_network",
    **dict.fromkeys(["data.folder", "data.url"], "test_data_sources.py"),
    "data.digest": "test_data_files.py",
    "data.fit": "test_folders.py",
}
# Those of `training` are in test_loop.py, of `guidance_classifier` in
# test_guidance_classifier.py, of `convergence` and `likelihood` in test_plan.py, the others in
# test_training_workflow.py.
OF_OTHERS = ("render.", "weights.", "training.", "evaluation.", "guidance_classifier.")
OF_OTHERS += ("convergence.", "likelihood.")
PATHS = [p for p in setting_paths() if p not in SHOWN_ELSEWHERE and not p.startswith(OF_OTHERS)]


def section_of(path):
    return next(section for section in CHAINS if f"{path}.".startswith(f"{section}."))


FIRST_OF_SECTION = {section_of(path): path for path in reversed(PATHS)}.values()


@pytest.mark.parametrize("path", some_quick(PATHS, lambda path: path in FIRST_OF_SECTION))
def test_every_setting_changes_a_result(path, made, tmp_path):
    names = CHAINS[section_of(path)]
    if "checkpoint" not in names:  # it does not depend on the setting
        shutil.copytree(made / "checkpoint", tmp_path / "checkpoint")
    before = made
    if path in ALLOWED_WITH:
        before = shutil.copytree(tmp_path, tmp_path / "before")
        build(names, before, ALLOWED_WITH[path])
    build(names, tmp_path, changing(path))
    ours, theirs = (digest(arrays_of(folder / names[-1])) for folder in (tmp_path, before))
    assert ours != theirs


@pytest.mark.parametrize("path", [p for p in setting_paths() if p.startswith("render.")])
def test_every_look_changes_a_figure(path, made, tmp_path):
    for file in made.glob("*.npz"):
        shutil.copy(file, tmp_path)
    figure = {"render.frames_per_second": "trajectory.gif"}.get(path, "ddim_samples.png")
    build([figure], tmp_path, nested(path, another_value(path)))

    def content(folder):
        with Image.open(folder / figure) as image:
            return image.size, image.convert("RGB").tobytes(), image.info.get("duration")

    assert content(tmp_path) != content(made)


def test_micro_batch_is_the_batch_of_the_network(made, tmp_path):
    shutil.copytree(made / "checkpoint", tmp_path / "checkpoint")
    build(["ddim_samples.npz"], tmp_path, {"sampling": {"micro_batch": 2}})
    assert json.loads((tmp_path / "ddim_samples.timing.json").read_text())["micro_batch"] == 2
    a, b = (arrays_of(folder / "ddim_samples.npz")["images"] for folder in (made, tmp_path))
    np.testing.assert_allclose(a, b, atol=1e-3)


def config_of(name, override=None, **replaced):
    """Return the settings of a job as text, some sections of them replaced, right or wrong."""
    values = json.loads(settings(name, tiny_experiment(override)))
    return json.dumps(values | replaced)


@pytest.mark.parametrize(
    "name", [name for name in JOBS if settings(name, tiny_experiment()) != "null"]
)
def test_a_bad_config_gets_a_sentence(name, made):
    assert "this is not JSON" in refused(name, made, config="{")
    assert "sede: unknown key (its value: 1)" in refused(name, made, config_of(name, sede=1))
    values = json.loads(settings(name, tiny_experiment()))
    for section in [key for key, value in values.items() if isinstance(value, dict)][:1]:
        typo = values[section] | {"typo": "x"} if section != "samples" else {"typo": {"typo": "x"}}
        assert f"{section}.typo" in refused(name, made, config_of(name, **{section: typo}))
    assert "must be a mapping" in refused(name, made, config="[]")
    assert "--config: a is there twice" in refused(name, made, config='{"b": {"a": 1, "a": 2}}')


def test_settings_that_are_wrong_together(made):
    entry = {"sampler": "ddim", "steps": 21}
    said = refused("ddim_samples.npz", made, config_of("ddim_samples.npz", samples={"a": entry}))
    assert "21" in said and "20" in said and "steps" in said
    said = refused("ddim_samples.npz", made, config_of("ddim_samples.npz", samples={}))
    assert said == "error: samples: 0 entries; one is drawn at a time"
    for timesteps in ([20], [-1]):
        forward = {"index": 0, "timesteps": timesteps}
        said = refused("forward.npz", made, config_of("forward.npz", forward=forward))
        assert said == f"error: forward.timesteps[0]: {timesteps[0]} must be from 0 to 19"
    forward = {"index": 4, "timesteps": [0]}
    said = refused("forward.npz", made, config_of("forward.npz", forward=forward))
    assert said == "error: forward.index: 4 must be less than data.n_test (4)"


def test_a_checkpoint_of_other_settings_is_refused(made):
    config = config_of("ddim_samples.npz", {"model": {"channels": 8}})
    said = refused("ddim_samples.npz", made, config)
    assert "was made with model.channels = 4, and the config says 8" in said
    config = config_of("ddim_samples.npz", {"diffusion": {"beta_schedule": "cosine"}})
    said = refused("ddim_samples.npz", made, config)
    assert "was made with diffusion.beta_schedule = linear, and the config says cosine" in said


def test_missing_and_broken_inputs(made, tmp_path):
    said = refused("ddim_samples.npz", made, checkpoint=tmp_path / "none")
    assert "there is no checkpoint" in said
    assert "none.npz" in refused("forward.npz", made, data=tmp_path / "none.npz")
    (tmp_path / "cut.npz").write_bytes((made / "trajectory.npz").read_bytes()[:500])
    said = refused("trajectory.png", made, inputs=tmp_path / "cut.npz")
    assert "cut.npz: this is not a whole" in said
    said = refused("forward.png", made, inputs=made / "ddim_samples.npz")
    assert "but no x_0: it is of another kind" in said
    for content in ("{", "[]", "{}"):
        (tmp_path / "timing.json").write_text(content)
        said = refused("speed.json", made, timings=tmp_path / "timing.json")
        assert "timing.json: " in said


def test_times_of_two_devices_are_not_compared(made, tmp_path):
    timing = json.loads((made / "ddpm_samples.timing.json").read_text())
    timing["device"]["kind"] = "other"
    (tmp_path / "timing.json").write_text(json.dumps(timing))
    said = refused("speed.json", made, timings=tmp_path / "timing.json")
    assert "sample both on one device" in said


def test_only_the_entries_of_the_config_are_compared(made):
    said = refused("speed.json", made, config='{"entries": ["ddpm"]}')
    assert said == "error: --timings: these are of ddpm, ddim, and entries says ddpm"


def test_an_output_that_cannot_be_written(made, tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = refused("forward.png", made, output=tmp_path / "file" / "a.png")
    assert str(tmp_path / "file") in said


@pytest.mark.parametrize(
    ("weight", "said"), [(np.nan, "NaN or infinite"), (0.0, "every image is blank")]
)
def test_a_broken_network_draws_no_figure(weight, said, tmp_path):
    """Weights of NaN, or a network that always predicts one grey: the script writes nothing."""
    import jax
    from flax import nnx

    from sfumato.networks.initialisation import initialise
    from sfumato.records.checkpoint import save_checkpoint

    x_0 = {"diffusion": {"prediction_type": "x_0"}}
    experiment = tiny_experiment(x_0)
    network = initialise(experiment.model, jax.random.key(0))
    nnx.update(network, jax.tree.map(lambda leaf: leaf * 0 + weight, nnx.state(network)))
    save_checkpoint(tmp_path / "checkpoint", network, experiment.diffusion, {})
    assert said in refused("ddim_samples.npz", tmp_path, config_of("ddim_samples.npz", x_0))
    assert not list(tmp_path.glob("*.npz")) and not list(tmp_path.glob("*.json"))


@pytest.mark.slow
def test_the_scripts_of_evaluation(scored, tmp_path):
    """Called as functions they write what they write as jobs."""
    place, run = scored / "results" / "tiny", "evaluation/ddim_steps_5/0"
    inputs = "--data {}/data.npz --classifier {}/evaluation/classifier.npz"
    calls = {
        "evaluation/classifier.npz": ("train_classifier", {}, "--data {}/data.npz"),
        "evaluation/floor/0.metrics.json": ("evaluate", {"k": "0"}, f"{inputs} --run floor"),
        f"{run}.metrics.json": (
            "evaluate",
            {"k": "0", "run": "ddim_steps_5"},
            f"{inputs} --run ddim_steps_5 --samples {{}}/{run}.npz --timing {{}}/{run}.timing.json",
        ),
        "quality.json": (
            "compare_quality",
            {},
            f"--table {tmp_path}/metrics.md --metrics {{}}/evaluation/floor/0.metrics.json"
            f" {{}}/evaluation/ddpm_steps_10/0.metrics.json {{}}/{run}.metrics.json"
            f" --timings {{}}/evaluation/ddpm_steps_10/0.timing.json {{}}/{run}.timing.json",
        ),
    }
    plan = Plan(*resolve(scored_config()))
    for name, (script, wildcards, words) in calls.items():
        config = plan.settings(script)(Wildcards(fromdict={"experiment": "tiny", **wildcards}))
        config = ["--config", config] if config != "null" else []
        output = tmp_path / "made" / Path(name).name
        words = [word.format(place) for word in words.split()]
        importlib.import_module(script).main([*words, *config, "--output", str(output)])
        assert open_record(output).digest == open_record(place / name).digest, name
    assert (tmp_path / "metrics.md").read_text() == (place / "metrics.md").read_text()


def test_only_a_process_of_its_own_is_spared_the_collection_of_what_it_imported():
    script = """
import gc
from sfumato.workflow.command_line import command
main = command(lambda argv: print(gc.get_freeze_count() > 1000))
main([]), main()
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "True"]
