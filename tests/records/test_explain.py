"""Any artifact says by itself what made it, and how to make it again."""

import importlib
import json
import subprocess
import sys

import numpy as np
import pytest
import yaml
from conftest import TINY, artifacts, copy_project, snakemake, write_config
from PIL import Image

from sfumato.config.experiment import resolve
from sfumato.errors import InputError
from sfumato.records.artifacts import largest_difference, open_artifact
from sfumato.records.explain import config_of, depth_of

explain = importlib.import_module("explain")

ARTIFACTS = [
    "checkpoint",
    *("data.npz", "forward.npz", "ddpm_samples.npz", "ddim_samples.npz", "trajectory.npz"),
    *("forward.png", "ddpm_samples.png", "ddim_samples.png", "trajectory.png", "trajectory.gif"),
]
TIMED = ["ddpm_samples.timing.json", "ddim_samples.timing.json", "speed.json", "speed.png"]


@pytest.fixture(scope="module")
def results(built):
    return built[0] / "results" / "tiny"


def said(capsys, *words):
    explain.main([str(word) for word in words])
    return capsys.readouterr().out


def refused(*words):
    with pytest.raises(SystemExit) as caught:
        explain.main([str(word) for word in words])
    assert isinstance(caught.value.code, str) and caught.value.code.startswith("error: ")
    return caught.value.code


def test_every_artifact_is_explained(results):
    made = {path.name for path in results.iterdir()} - {"logs", "benchmarks"}
    assert made == {*ARTIFACTS, *TIMED}


@pytest.mark.parametrize("name", [*ARTIFACTS, *TIMED])
def test_it_says_what_made_it(results, name, capsys):
    text = said(capsys, results / name)
    record = open_artifact(results / name).record
    assert record.artifact == name
    for word in (record.script, record.code, record.versions["python"], "seed      0"):
        assert word in text
    if "samples" in name:
        manifest = json.loads((results / "checkpoint" / "manifest.json").read_text())
        for word in (manifest["digest"], manifest["provenance"]["code"], "backend cpu"):
            assert word in text
        assert f"results/rebuilt/{name} --configfile rebuilt.yaml" in text


@pytest.mark.parametrize("name", [*ARTIFACTS, *TIMED])
def test_its_config_is_whole_and_asks_for_the_same(results, name):
    config = config_of(open_artifact(results / name).record)
    _, experiments = resolve(yaml.safe_load(yaml.safe_dump(config)))
    rebuilt = experiments["rebuilt"].model_dump(mode="json")
    recorded = open_artifact(results / name).record.settings
    for section, value in recorded.items():
        asked = rebuilt[section]
        assert value.items() <= asked.items() if isinstance(value, dict) else value == asked
    if name == "trajectory.png":
        assert rebuilt["ddpm"]["steps"] == TINY["ddpm"]["steps"]
        assert rebuilt["model"]["channels"] == TINY["model"]["channels"]


@pytest.mark.parametrize(
    "names",
    [
        ["checkpoint", *(name for name in ARTIFACTS if name[-3:] in {"png", "gif"})],
        pytest.param(ARTIFACTS, marks=pytest.mark.slow),
    ],
)
def test_explain_rebuild_compare(names, built, tmp_path, results, capsys):
    """Each config and each command, in a project whose own config is another one."""
    folder = copy_project(tmp_path / "rebuilding")
    write_config(folder, {"targets": ["other"], "experiments": {"other": {"seed": 9}}})
    for name in names:
        (folder / "rebuilt.yaml").write_text(said(capsys, results / name, "--config"))
        command = said(capsys, results / name).strip().splitlines()[-1].split()
        assert command[:3] == ["snakemake", "--cores", "1"]
        done = snakemake(folder, *command[3:])
        assert done.returncode == 0, done.stdout + done.stderr
    before, after = artifacts(built[0]), artifacts(folder, "rebuilt")
    assert set(before) == set(after) == set(ARTIFACTS) - {"checkpoint"}
    for name in after:
        assert after[name] == before[name], name
    ours, theirs = (
        open_artifact(place / "checkpoint") for place in (results, folder / "results" / "rebuilt")
    )
    assert ours.digest() == theirs.digest()


def test_a_mailed_figure_needs_no_workflow(results, tmp_path):
    (tmp_path / "IMG_0001.dat").write_bytes((results / "ddim_samples.png").read_bytes())
    done = subprocess.run(
        [sys.executable, explain.__file__, "IMG_0001.dat"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "IMG_0001.dat is ddim_samples.png" in done.stdout


def test_diff_names_what_differs(results, capsys, tmp_path):
    same = said(capsys, results / "forward.png", "--diff", results / "forward.png")
    assert same == "both were made in the same way\ncontent: the same\n"
    text = said(capsys, results / "ddpm_samples.npz", "--diff", results / "ddim_samples.npz")
    assert "artifact: ddpm_samples.npz | ddim_samples.npz" in text
    assert "ddim.eta: nothing | 0.0" in text and "content: it differs, by inf at most" in text
    assert "model.channels" not in text and "checkpoint >" not in text


def test_diff_measures_the_content(results, capsys, tmp_path):
    from sfumato.records.arrays import load_arrays, save_arrays

    arrays, record = load_arrays(results / "ddim_samples.npz")
    changed = arrays["images"].copy()
    changed[2, 0, 0, 0] += 0.25
    save_arrays(tmp_path / "changed.npz", {**arrays, "images": changed}, record)
    text = said(capsys, results / "ddim_samples.npz", "--diff", tmp_path / "changed.npz")
    assert text == "both were made in the same way\ncontent: it differs, by 0.25 at most\n"


def test_largest_difference():
    a = {"x": np.zeros((2, 3), np.uint8)}
    b = {"x": np.full((2, 3), 255, np.uint8)}
    assert largest_difference(a, b) == largest_difference(b, a) == 255
    assert largest_difference(a, {"x": np.zeros(3)}) == largest_difference(a, {}) == np.inf
    assert largest_difference({"x": np.zeros(0)}, {"x": np.zeros(0)}) == 0
    broken = a | {"y": np.array([np.nan])}
    assert np.isnan(largest_difference(broken, a | {"y": np.zeros(1)}))


def test_what_is_made_first_lies_deepest(results):
    depths = {name: depth_of(open_artifact(results / name).record) for name in ARTIFACTS}
    assert depths["checkpoint"] == depths["data.npz"] == 0
    assert depths["ddim_samples.npz"] == depths["forward.npz"] == 1
    assert depths["trajectory.gif"] == 2


def test_files_that_explain_nothing(results, tmp_path):
    assert "cannot be read: No such file" in refused(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("hello")
    assert "this is no .png" in refused(tmp_path / "text.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.png")
    assert "does not say what made it" in refused(tmp_path / "plain.png")
    np.savez(tmp_path / "plain.npz", a=np.ones(3))
    assert "not a whole .npz file of this workflow" in refused(tmp_path / "plain.npz")
    (tmp_path / "plain.json").write_text('{"provenance": {"artifact": 3}}')
    assert "does not say what made it" in refused(tmp_path / "plain.json")
    (tmp_path / "folder").mkdir()
    assert "it has no manifest.json" in refused(tmp_path / "folder")


@pytest.mark.parametrize("name", ["ddim_samples.png", "ddim_samples.npz", "trajectory.gif"])
def test_half_a_file_is_not_explained(results, name, tmp_path):
    """What made it stands near the beginning; the rest must be there all the same."""
    content = (results / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) * 9 // 10])
    said = refused(tmp_path / name)
    assert "damaged" in said or "not a whole" in said


def test_an_artifact_is_what_it_holds(results, tmp_path):
    """The digest is of pixels and arrays: the same picture in another file has the same."""
    with Image.open(results / "forward.png") as image:
        text = image.text["provenance"]  # type: ignore[attr-defined]
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_text("provenance", text)
        image.save(tmp_path / "again.png", pnginfo=info, compress_level=1)
    ours, theirs = open_artifact(results / "forward.png"), open_artifact(tmp_path / "again.png")
    assert ours.digest() == theirs.digest() and ours.record == theirs.record
    with pytest.raises(InputError):
        open_artifact(tmp_path / "none")
