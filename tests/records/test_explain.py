"""Any artifact says by itself what made it, and how to make it again."""

import importlib
import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml
from conftest import QUICK, ROOT, artifacts, copy_project, snakemake, warm_server, write_config

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


def test_its_config_is_printed(results, capsys):
    printed = yaml.safe_load(said(capsys, results / "forward.png", "--config"))
    assert printed == config_of(open_record(results / "forward.png").record)
    assert printed["targets"] == ["rebuilt"]


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


@pytest.mark.slow
def test_an_evaluation_is_built_again_to_the_byte(scored, tmp_path, capsys):
    """Measured times differ, and are in none of these."""
    results = scored / "results" / "tiny"
    environment = os.environ | warm_server() | QUICK  # with which `scored` was built
    folder = copy_project(tmp_path / "rebuilding")
    write_config(folder, {"targets": ["other"], "experiments": {"other": {"seed": 9}}})
    for name in ("nearest.png", "evaluation/floor/0.metrics.json"):
        (folder / "rebuilt.yaml").write_text(said(capsys, results / name, "--config"))
        command = said(capsys, results / name).strip().splitlines()[-1].split()
        done = snakemake(folder, *command[3:], env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        again = folder / command[3]
        assert again.read_bytes() == (results / name).read_bytes(), name


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


def differing(capsys, ours, theirs, status=1):
    """Return what is printed of two files, after a look at the exit status."""
    with pytest.raises(SystemExit) as caught:
        explain.main([str(ours), "--diff", str(theirs)])
    assert caught.value.code == status
    return "".join(capsys.readouterr())


def test_diff_names_what_differs(results, capsys):
    same = said(capsys, results / "forward.png", "--diff", results / "forward.png")
    assert same == "both were made in the same way\ncontent: the same\n"
    text = differing(capsys, results / "ddpm_samples.npz", results / "ddim_samples.npz")
    assert "  artifact: ddpm_samples.npz | ddim_samples.npz\n" in text
    assert "  only right: samples.ddim (clip True, " in text
    assert text.endswith("content: it differs, timesteps in its shape: (10,) | (5,)\n")
    assert "model.channels" not in text and "checkpoint >" not in text


def test_diff_in_trouble_is_not_a_difference(results, capsys, tmp_path):
    text = differing(capsys, results / "forward.png", tmp_path / "none.png", status=2)
    assert text == f"error: {tmp_path / 'none.png'}: there is no such file\n"
    text = differing(capsys, results, results / "forward.png", status=2)
    assert "this folder is no checkpoint" in text


def test_two_experiments_are_told_apart_in_a_few_lines(capsys):
    """A network adopted after training, and a fresh one: of whole sections one line says it."""
    figures = ROOT / "docs" / "figures"
    text = differing(capsys, figures / "mnist_trajectory.png", figures / "trajectory.png")
    lines = text.splitlines()
    assert len(lines) < 30 and "nothing" not in text
    assert "  model.channels: 48 | 32" in lines
    assert [line for line in lines if line.startswith("  only left: training (")]
    assert lines[-1].startswith("content: it differs, ")


def test_two_entries_of_one_sampler_are_told_apart_by_their_settings(results, capsys, tmp_path):
    opened = open_record(results / "ddim_samples.npz")
    record = opened.record.model_dump(exclude={"arrays"})
    record["settings"]["samples"] = {"other": {**record["settings"]["samples"]["ddim"], "eta": 1.0}}
    save_arrays(tmp_path / "other.npz", opened.read(), record)
    record["settings"]["samples"]["other"]["seed"] = 77
    save_arrays(tmp_path / "other.npz", opened.read(), record)
    explain.main([str(tmp_path / "other.npz")])
    assert "\nseed      77\n" in capsys.readouterr().out
    record["settings"]["samples"]["other"]["seed"] = None
    save_arrays(tmp_path / "other.npz", opened.read(), record)
    text = differing(capsys, results / "ddim_samples.npz", tmp_path / "other.npz")
    assert "\n  samples: ddim | other\n  samples.ddim.eta: 0.0 | 1.0\n\n" in text


def test_diff_measures_the_content(results, capsys, tmp_path):
    opened = open_record(results / "ddim_samples.npz")
    arrays, record = opened.read(), opened.record.model_dump(exclude={"arrays"})
    changed = arrays["images"].copy()
    changed[2, 0, 0, 0] += 0.25
    save_arrays(tmp_path / "changed.npz", {**arrays, "images": changed}, record)
    text = differing(capsys, results / "ddim_samples.npz", tmp_path / "changed.npz")
    assert text.endswith("both were made in the same way\ncontent: it differs, by 0.25 at most\n")


def test_what_is_made_first_lies_deepest(results):
    depths = {name: depth_of(open_record(results / name).record) for name in ARTIFACTS}
    assert depths["checkpoint"] == depths["data.npz"] == 0
    assert depths["ddim_samples.npz"] == depths["forward.npz"] == 1
    assert depths["trajectory.gif"] == 2


def test_times_differ_in_what_they_say(results, capsys):
    ddpm, ddim = (results / f"{name}_samples.timing.json" for name in ("ddpm", "ddim"))
    text = differing(capsys, ddpm, ddim)
    assert "content: it differs\n" in text and "  steps: 10 | 5\n" in text


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("ddim_samples.png", "a figure, 176 x"),
        ("trajectory.gif", "an animation of 8 frames, "),
        ("ddim_samples.npz", "arrays (images (5, 8, 8, 1), timesteps (5,))"),
        ("speed.json", "a measurement (runs, nfe_ratio, seconds_ratio, device)"),
        ("checkpoint", "a checkpoint, a network of "),
    ],
)
def test_it_says_what_kind_it_is(results, name, what, capsys):
    assert said(capsys, results / name).startswith(f"{name} is {what}")


def test_a_folder_is_a_line_on_each_artifact(results, capsys, tmp_path):
    text = said(capsys, results.parent)
    lines = text.splitlines()
    assert len(lines) == len([*ARTIFACTS, *TIMED]) and "delete it" not in text
    for name in [*ARTIFACTS, *TIMED]:
        assert len([line for line in lines if line.startswith(f"{results / name}: ")]) == 1
    place = shutil.copytree(results, tmp_path / "results" / "tiny")
    (place / "again").symlink_to(place)  # a loop
    (place / "mine.json").write_text("{}")
    content = (place / "forward.png").read_bytes()
    (place / "forward.png").write_bytes(content[:-9])
    text = refused(tmp_path)
    assert text == f"error: {tmp_path}: 1 of these cannot be explained, as said above"
    lines = capsys.readouterr().out.splitlines()
    damaged, *others = [line for line in lines if "made by" not in line]
    assert damaged.startswith(f"{place / 'forward.png'}: this is not a whole .png file")
    assert others == ["files that do not say what made them: 1"]


@pytest.mark.parametrize("words", [(), ("--config",)])
def test_a_folder_of_the_user_is_nothing_to_delete(tmp_path, words):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "photo.json").write_text("{}")
    (tmp_path / "manifest.json").write_text('{"name": "an extension"}')
    text = refused(tmp_path, *words)
    assert "this folder is no checkpoint" in text and "delete it" not in text


def test_whoever_reads_the_beginning_hears_no_complaint(results):
    words = [sys.executable, explain.__file__, str(results / "forward.png")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout and run.stderr
        run.stdout.close()
        assert run.stderr.read() == b"" and run.wait() == 128 + 13


def test_what_explains_nothing_is_refused(results, tmp_path):
    assert "there is no such file" in refused(tmp_path / "none.png")
    content = (results / "ddim_samples.npz").read_bytes()
    (tmp_path / "half.npz").write_bytes(content[: len(content) // 2])
    assert "not a whole .npz file" in refused(tmp_path / "half.npz")
