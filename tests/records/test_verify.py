"""A second build against the first, and against the golden file."""

import hashlib
import importlib
import json
import re
import shutil

import jax
import numpy as np
import pytest
from conftest import ROOT, copy_project, snakemake, tiny_config, write_config
from flax import nnx

from sfumato.config.diffusion import DiffusionConfig
from sfumato.errors import InputError
from sfumato.networks.initialisation import initialise
from sfumato.networks.unet_config import UNetConfig
from sfumato.records.arrays import save_arrays
from sfumato.records.checkpoint import save_checkpoint
from sfumato.records.golden import compare_with_golden, freeze, golden_for, load_golden
from sfumato.records.measurements import save_measurement
from sfumato.records.opening import open_record
from sfumato.records.verify import compare_folders, forget_others


@pytest.fixture(scope="module")
def rebuilt(built):
    return built[0] / "results" / "tiny"


@pytest.fixture
def results(rebuilt, tmp_path):
    shutil.copytree(rebuilt, tmp_path / "results")
    return tmp_path / "results"


def wrong(findings):
    """Return the first finding that is wrong."""
    return next((finding for finding in findings if finding.wrong), None)


def record_of(path):
    """Return what a file says of itself, as it was when it was saved."""
    return open_record(path).record.model_dump(exclude={"arrays"})


def change(path, edit, **record):
    """Write a file of arrays again, its images edited and its record changed."""
    arrays, made = open_record(path).read(), record_of(path)
    save_arrays(path, {**arrays, "images": edit(arrays["images"])}, made | record)


def test_what_an_interrupted_verification_left_is_forgotten(rebuilt, results):
    """The figures that are asked for stay, with all that they need."""
    asked = [results / "forward.png", results / "ddim_samples.png"]
    change(results / "ddpm_samples.npz", lambda images: -images)
    forget_others(results, asked)
    findings = {finding.name: finding for finding in compare_folders(results, rebuilt)}
    needed = {"forward.npz", "ddim_samples.npz", "checkpoint", "data.npz"}
    assert {*findings} == needed | {path.name for path in asked}
    assert wrong(findings.values()) is None


def test_equal_builds_are_equal(rebuilt, results):
    findings = list(compare_folders(rebuilt, results))
    assert len(findings) == 11 and wrong(findings) is None  # speed.png shows times
    assert {finding.said for finding in findings} == {"identical bytes", "identical weights"}
    order = [finding.name for finding in findings]
    assert order.index("checkpoint") < order.index("ddim_samples.npz")
    assert order.index("ddim_samples.npz") < order.index("ddim_samples.png")


@pytest.mark.parametrize("place", [0.0, 0.3, 0.97])
@pytest.mark.parametrize("name", ["data.npz", "ddim_samples.npz", "trajectory.npz", "forward.png"])
def test_one_changed_byte_is_found_and_named(rebuilt, results, name, place):
    content = bytearray((results / name).read_bytes())
    content[int(place * len(content))] ^= 1
    (results / name).write_bytes(bytes(content))
    assert wrong(compare_folders(rebuilt, results)).name == name


def test_one_changed_weight_is_found_and_named(rebuilt, results):
    """In a checkpoint whose manifest vouches for it."""
    manifest = json.loads((results / "checkpoint" / "manifest.json").read_text())
    model = UNetConfig.model_validate(manifest["model"])
    unet = initialise(model, jax.random.fold_in(jax.random.key(0, impl="threefry2x32"), 1))
    state = nnx.state(unet)
    leaves, treedef = jax.tree.flatten(state)
    leaves[0] = leaves[0].at[(0,) * leaves[0].ndim].add(0.125)
    nnx.update(unet, jax.tree.unflatten(treedef, leaves))
    diffusion = DiffusionConfig.model_validate(manifest["diffusion"])
    save_checkpoint(results / "checkpoint", unet, diffusion, manifest["provenance"])
    found = wrong(compare_folders(rebuilt, results))
    assert found.name == "checkpoint"
    assert found.said == "it differs by 0.125 at most; it was made by initialise.py"


def test_a_damaged_checkpoint_is_named(rebuilt, results):
    file = max((results / "checkpoint" / "state").rglob("*"), key=lambda path: path.stat().st_size)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    found = wrong(compare_folders(rebuilt, results))
    assert found.name == "checkpoint" and "is not what was written" in found.said


def test_one_changed_setting_is_found_and_named(rebuilt, results):
    made = record_of(results / "ddim_samples.npz")
    made["settings"]["samples"]["ddim"]["steps"] = 4
    change(results / "ddim_samples.npz", lambda images: images, settings=made["settings"])
    found = wrong(compare_folders(rebuilt, results))
    assert found.name == "ddim_samples.npz"
    assert found.said == "was made with other settings: samples.ddim.steps: 4 | 5"


@pytest.mark.parametrize(("by", "allowed"), [(1e-4, True), (1e-2, False), (np.nan, False)])
def test_another_device_may_round_otherwise(rebuilt, results, by, allowed):
    made = record_of(results / "ddim_samples.npz")
    device = made["device"] | {"backend": "gpu", "kind": "some card"}
    change(results / "ddim_samples.npz", lambda images: images + np.float32(by), device=device)
    findings = {finding.name: finding for finding in compare_folders(rebuilt, results)}
    found = findings["ddim_samples.npz"]
    assert found.wrong is not allowed
    how = "in numbers that are NaN" if np.isnan(by) else f"by {by:.3g} at most"
    assert found.said == (
        f"it differs {how}; up to 0.001 is allowed, since the two were made with "
        "device.backend: gpu | cpu"
    )


def test_the_same_device_may_not(rebuilt, results):
    change(results / "ddim_samples.npz", lambda images: images + np.float32(1e-6))
    assert wrong(compare_folders(rebuilt, results)).name == "ddim_samples.npz"


def test_what_is_not_built_is_not_compared(rebuilt, results):
    (results / "ddim_samples.png").unlink()
    findings = {finding.name: finding for finding in compare_folders(rebuilt, results)}
    assert findings["ddim_samples.png"].said == "not built yet" and not wrong(findings.values())


def test_a_golden_file(rebuilt, tmp_path):
    save_measurement(tmp_path / "golden.json", freeze(rebuilt))
    golden = load_golden(tmp_path / "golden.json")
    assert {each.said for each in compare_with_golden(rebuilt, golden)} == {"identical content"}
    frozen = golden.artifacts["ddim_samples.npz"]
    for by, fails in ((1e-4, False), (1e-2, True), (np.nan, True)):
        moved = {name: [v + by for v in row] for name, row in frozen.values.items()}
        other = frozen.model_copy(update={"content": "0", "values": moved})
        artifacts = golden.artifacts | {"ddim_samples.npz": other}
        found = list(
            compare_with_golden(rebuilt, golden.model_copy(update={"artifacts": artifacts}))
        )
        assert [each.name for each in found if "it differs" in each.said] == ["ddim_samples.npz"]
        assert bool(wrong(found)) is fails
    settings = frozen.settings | {"seed": 7}
    other = frozen.model_copy(update={"settings": settings})
    artifacts = golden.artifacts | {"ddim_samples.npz": other}
    found = wrong(compare_with_golden(rebuilt, golden.model_copy(update={"artifacts": artifacts})))
    assert found.said == "was made with other settings: seed: 7 | 0"
    (tmp_path / "golden.json").write_text("{}")
    with pytest.raises(InputError, match="not a whole golden file"):
        load_golden(tmp_path / "golden.json")


@pytest.mark.parametrize(("experiment", "n_artifacts"), [("diffusion_mnist", 11), ("digits", 3)])
def test_the_shipped_golden_files(experiment, n_artifacts):
    """A changed golden file has a line in the changelog, with the beginning of its sha256."""
    file = ROOT / "workflow" / "golden" / f"{experiment}.json"
    golden = load_golden(file)
    assert len(golden.artifacts) == n_artifacts and golden.device["backend"] == "cpu"
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert f"`{sha256[:12]}`" in (ROOT / "CHANGELOG.md").read_text()


def test_the_golden_file_of_a_kind_of_device(rebuilt, tmp_path):
    kind = re.sub(r"\W|_", "-", open_record(rebuilt / "ddim_samples.npz").record.device["kind"])
    assert golden_for(tmp_path, "tiny", rebuilt) is None
    for place in (tmp_path, tmp_path / kind.lower()):
        place.mkdir(exist_ok=True)
        (place / "tiny.json").touch()
        assert golden_for(tmp_path, "tiny", rebuilt) == place / "tiny.json"


def test_the_golden_file_of_a_gpu_holds_on_a_cpu():
    """Built with deterministic kernels on another machine, by another jax: values within 2.5e-5."""
    golden = ROOT / "workflow" / "golden"
    cpu = load_golden(golden / "diffusion_mnist.json")
    gpu = load_golden(golden / "nvidia-h100-80gb-hbm3" / "diffusion_mnist.json")
    assert gpu.device["kind"] == "NVIDIA H100 80GB HBM3" and "xla_flags" not in gpu.device
    for stage in ("forward", "ddpm_samples", "ddim_samples", "trajectory"):
        ours, theirs = (each.artifacts[f"{stage}.npz"] for each in (cpu, gpu))
        for name, values in ours.values.items():
            np.testing.assert_allclose(values, theirs.values[name], atol=2.5e-5, err_msg=stage)


def verify(folder):
    done = snakemake(folder, "verify")
    assert not (folder / "results" / ".verify" / "tiny").exists()
    return done.returncode, done.stdout + done.stderr


def test_the_target(copied):
    """As it was built; then with one byte changed, and a golden file."""
    write_config(copied, tiny_config({"figures": ["ddim_samples.png"]}))
    code, said = verify(copied)
    assert code == 0 and said.count("identical bytes") == 2 and "identical weights" in said
    assert ".verify/tiny: " not in said  # pictures that are gone
    results = copied / "results" / "tiny"
    assert not (copied / "results" / ".verify" / "tiny").exists()
    save_measurement(copied / "workflow" / "golden" / "tiny.json", freeze(results))
    content = (results / "ddim_samples.npz").read_bytes()
    (results / "ddim_samples.npz").write_bytes(content[:-1] + b"x")
    code, said = verify(copied)
    assert code != 0 and "ddim_samples.npz is the first that differs" in said
    assert len({line for line in said.splitlines() if "identical content" in line}) == 3


def test_what_was_never_built_cannot_be_verified(rebuilt, tmp_path):
    shutil.copytree(rebuilt, tmp_path / "results" / ".verify" / "tiny")
    places = ["--results", str(tmp_path / "results"), "--golden", str(tmp_path)]
    with pytest.raises(SystemExit) as caught:
        importlib.import_module("verify").main(["--experiments", "tiny", *places])
    assert "tiny: nothing to compare with; build it first" in str(caught.value.code)


def test_figures_that_show_times_alone_have_nothing_to_verify(tmp_path, capsys):
    places = ["--results", str(tmp_path / "results"), "--golden", str(tmp_path)]
    importlib.import_module("verify").main(["--experiments", "tiny", *places])
    assert (
        "tiny: nothing to compare: all its figures show measured times" in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("experiment", "said"),
    [
        ("tinny", "results/tinny: no experiment of this name is built"),
        ("tiny", "results/tiny: there is no second build of it; `snakemake --cores 1 verify`"),
    ],
)
def test_without_a_second_build_there_is_nothing_to_compare(experiment, said, rebuilt):
    places = ["--results", str(rebuilt.parent), "--golden", str(rebuilt)]
    with pytest.raises(SystemExit, match=re.escape(said)):
        importlib.import_module("verify").main(["--experiments", experiment, *places])


@pytest.mark.parametrize("name", ["../tiny", "/{}/results/tiny", ".verify", "a/b", ""])
def test_an_experiment_is_a_name_and_no_path(name, tmp_path, capsys):
    """What is compared is deleted: that may lie nowhere but among the second builds."""
    mine = tmp_path / "results" / "tiny" / "mine.txt"
    (tmp_path / "results" / ".verify").mkdir(parents=True)
    mine.parent.mkdir()
    mine.touch()
    places = ["--results", str(tmp_path / "results"), "--golden", str(tmp_path)]
    for script in ("verify", "gallery"):
        options = places if script == "verify" else [*places[:2], "--output", str(tmp_path / "g")]
        with pytest.raises(SystemExit):
            module = importlib.import_module(script)
            module.main(["--experiments", name.format(tmp_path), *options])
        assert "must be the name of an experiment" in capsys.readouterr().err
    assert mine.is_file()


def test_nothing_that_shows_times_is_frozen(results):
    for path in results.iterdir():
        if path.name not in ("speed.json", "speed.png") and "timing" not in path.name:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(InputError, match="nothing is built there whose content a second build"):
        freeze(results)


@pytest.mark.slow
def test_the_target_after_a_change_of_the_config(tmp_path):
    folder = copy_project(tmp_path / "a project", tiny_config({"figures": ["ddim_samples.png"]}))
    assert snakemake(folder).returncode == 0
    write_config(
        folder, tiny_config({"figures": ["ddim_samples.png"], "samples": {"ddim": {"eta": 0.5}}})
    )
    code, said = verify(folder)
    assert code != 0 and "ddim_samples.npz is the first that differs" in said
    assert "was made with other settings: samples.ddim.eta: 0.0 | 0.5" in said
