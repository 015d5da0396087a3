"""Any artifact says by itself what made it, and how to make it again."""

import importlib
import json
import subprocess
import sys

import pytest
import yaml
from conftest import TINY, artifacts, copy_project, snakemake, write_config

from sfumato.config.resolve import resolve
from sfumato.records.arrays import save_arrays
from sfumato.records.facts import depth_of
from sfumato.records.opening import open_record
from sfumato.records.rebuild import config_of

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
    record = open_record(results / name).record
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
    config = config_of(open_record(results / name).record)
    _, experiments = resolve(yaml.safe_load(yaml.safe_dump(config)))
    rebuilt = experiments["rebuilt"].model_dump(mode="json")
    recorded = open_record(results / name).record.settings
    for entry, value in recorded.pop("samples", {}).items():
        assert value.items() <= rebuilt["samples"][entry].items()
    for section, value in recorded.items():
        asked = rebuilt[section]
        assert value.items() <= asked.items() if isinstance(value, dict) else value == asked
    if name == "trajectory.png":
        assert rebuilt["samples"]["ddpm"]["steps"] == TINY["samples"]["ddpm"]["steps"]
        assert rebuilt["model"]["channels"] == TINY["model"]["channels"]


@pytest.mark.parametrize(
    "names",
    [
        ["checkpoint", "forward.png", "ddim_samples.png", "trajectory.gif"],
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
    assert {*names, "forward.npz", "ddim_samples.npz", "trajectory.npz"} <= {*after, "checkpoint"}
    for name in after:
        assert after[name] == before[name], name
    ours, theirs = (
        open_record(place / "checkpoint") for place in (results, folder / "results" / "rebuilt")
    )
    assert ours.digest == theirs.digest


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
    assert (
        "samples.ddim.eta: nothing | 0.0" in text and "content: it differs, by inf at most" in text
    )
    assert "model.channels" not in text and "checkpoint >" not in text


def test_diff_measures_the_content(results, capsys, tmp_path):
    opened = open_record(results / "ddim_samples.npz")
    arrays, record = opened.read(), opened.record.model_dump(exclude={"arrays"})
    changed = arrays["images"].copy()
    changed[2, 0, 0, 0] += 0.25
    save_arrays(tmp_path / "changed.npz", {**arrays, "images": changed}, record)
    text = said(capsys, results / "ddim_samples.npz", "--diff", tmp_path / "changed.npz")
    assert text == "both were made in the same way\ncontent: it differs, by 0.25 at most\n"


def test_what_is_made_first_lies_deepest(results):
    depths = {name: depth_of(open_record(results / name).record) for name in ARTIFACTS}
    assert depths["checkpoint"] == depths["data.npz"] == 0
    assert depths["ddim_samples.npz"] == depths["forward.npz"] == 1
    assert depths["trajectory.gif"] == 2


def test_times_differ_in_what_they_say(results, capsys):
    ddpm, ddim = (results / f"{name}_samples.timing.json" for name in ("ddpm", "ddim"))
    text = said(capsys, ddpm, "--diff", ddim)
    assert "content: it differs\n" in text and "  steps: 10 | 5\n" in text


def test_what_explains_nothing_is_refused(results, tmp_path):
    assert "there is no such file" in refused(tmp_path / "none.png")
    content = (results / "ddim_samples.npz").read_bytes()
    (tmp_path / "half.npz").write_bytes(content[: len(content) // 2])
    assert "not a whole .npz file" in refused(tmp_path / "half.npz")
