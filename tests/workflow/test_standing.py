"""Files are believed, whatever became of their times and of Snakemake's records."""

import json
import os
import re
import shutil
import time

import pytest
from conftest import artifacts, nested, scored_config, snakemake, tiny_config, write_config
from PIL import Image

TARGETS = ("all", "speed")
WEIGHTS = "results/tiny/checkpoint"


def dry_run(folder, *targets):
    """Return which files a dry-run would make, the first of each job, and all that it says."""
    done = snakemake(folder, *(targets or TARGETS), "-n")
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "Traceback" not in said, said
    found = re.findall(r"^    output: results/([^,\n]+)", said, re.MULTILINE)
    assert found or "Nothing to be done" in said
    return {name.removeprefix("tiny/") for name in found}, said


def copy_without_times(source, target):
    """Copy a project as `cp -r` does: the files get new times, in the order of their names."""
    shutil.copytree(source, target, symlinks=True, copy_function=shutil.copy)
    for path in sorted(target.rglob("*"), reverse=True):
        path.touch()


@pytest.mark.parametrize("recorded", [True, False], ids=["records", "no records"])
def test_a_copied_project_has_nothing_to_do(recorded, scored, tmp_path):
    copy_without_times(scored, tmp_path / "copy")
    if not recorded:
        shutil.rmtree(tmp_path / "copy" / ".snakemake")
    assert dry_run(tmp_path / "copy", "all", "quality")[0] == set()


def test_shards_that_were_joined_are_not_drawn_again(copied):
    write_config(copied, tiny_config({"shards": 2}))
    shutil.rmtree(copied / ".snakemake")
    (copied / WEIGHTS / ".snakemake_timestamp").touch()
    assert dry_run(copied, "all")[0] == set()
    (copied / "results/tiny/ddim_samples.png").unlink()
    assert dry_run(copied, "all")[0] == {"ddim_samples.png"}
    (copied / "results/tiny/ddim_samples.npz").unlink()
    made, _ = dry_run(copied, "all")
    assert {f"shards/ddim_samples-{k}-of-2.npz" for k in (1, 2)} < made


def test_without_records_a_changed_setting_makes_again_what_reads_it(copied):
    shutil.rmtree(copied / ".snakemake")
    (copied / "results" / "tiny" / "trajectory.npz").unlink()
    write_config(copied, tiny_config(nested("samples.ddim.eta", 0.5)))
    made, said = dry_run(copied)
    assert {"ddim_samples.npz", "ddim_samples.png", "speed.json", "speed.png"} == made
    assert "samples.ddim.eta = 0.0, and the config says 0.5; it is made again" in said
    write_config(copied, tiny_config({"trajectory": {"snapshots": 3}, "render": {"columns": 2}}))
    made, said = dry_run(copied)
    assert made == {
        *("trajectory.npz", "trajectory.png", "trajectory.gif"),
        *("ddpm_samples.png", "ddim_samples.png"),
    }
    assert "trajectory.png: of its arrays: it was made with trajectory.snapshots = 4" in said


def test_with_records_they_are_believed(copied):
    write_config(copied, tiny_config({"seed": 5}))
    assert snakemake(copied, *TARGETS, "--touch").returncode == 0
    assert dry_run(copied)[0] == set()
    shutil.rmtree(copied / ".snakemake")
    assert "data.npz" in dry_run(copied)[0]


def test_a_folder_under_the_name_of_another_experiment(copied):
    config = tiny_config()
    config["experiments"]["other"] = {"samples": {"ddim": {"steps": 4}}}
    write_config(copied, config)
    shutil.copytree(copied / "results" / "tiny", copied / "results" / "other")
    made, _ = dry_run(copied, "results/other/ddim_samples.npz", "results/other/ddpm_samples.npz")
    assert made == {"other/ddim_samples.npz"}


def test_what_is_restored_over_a_later_build_is_up_to_date(copied, tmp_path):
    """Snakemake's record is of the later one."""
    results = copied / "results" / "tiny"
    shutil.copytree(results, tmp_path / "backup")
    write_config(copied, tiny_config(nested("samples.ddim.eta", 0.5)))
    assert snakemake(copied, "ddim_samples").returncode == 0
    shutil.rmtree(results)
    shutil.copytree(tmp_path / "backup", results)
    assert "ddim_samples.npz" in dry_run(copied)[0]
    write_config(copied, tiny_config())
    assert dry_run(copied)[0] == set()


def test_files_of_the_user_in_a_checkpoint_s_folder_stay(copied):
    """Snakemake itself would empty the folder, before the job could look at it."""
    mine = copied / "results" / "tiny" / "checkpoint" / "notes.txt"
    mine.write_text("mine")
    write_config(copied, tiny_config({"seed": 5}))
    done = snakemake(copied, "results/tiny/checkpoint")
    said = done.stdout + done.stderr
    assert done.returncode and "this folder holds notes.txt, which is not part of a checkpo" in said
    assert mine.read_text() == "mine" and "Traceback" not in said


@pytest.mark.parametrize("kept", [60, 0, None])
def test_a_table_that_is_not_that_of_its_scores(kept, scored, tmp_path):
    """It holds no record of its own."""
    copy_without_times(scored, tmp_path / "copy")
    table = tmp_path / "copy" / "results" / "tiny" / "metrics.md"
    whole = table.read_text()
    table.write_text(whole[:kept] if kept is not None else whole.replace("0", "9"))
    made, said = dry_run(tmp_path / "copy", "quality")
    assert "quality.json" in made and made <= {"quality.json", "nearest.png", "quality_vs_nfe.png"}
    assert "metrics.md: it is not the table of quality.json; it is made again" in said


@pytest.mark.parametrize("recorded", [True, False], ids=["records", "no records"])
def test_a_figure_of_another_entry_in_the_place_of_one(recorded, copied):
    if not recorded:
        shutil.rmtree(copied / ".snakemake")
    results = copied / "results" / "tiny"
    shutil.copy(results / "ddim_samples.png", results / "ddpm_samples.png")
    made, said = dry_run(copied)
    assert made == {"ddpm_samples.png"}
    assert "tiny/ddpm_samples.png: it is ddim_samples.png; it is made again" in said


def test_a_trained_checkpoint_in_the_place_of_a_fresh_one(scored, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(scored, folder, symlinks=True)
    write_config(
        folder, scored_config({"weights": {"source": "fresh"}, "figures": ["forward.png"]})
    )
    shutil.rmtree(folder / ".snakemake")
    made, said = dry_run(folder, "results/tiny/ddim_samples.npz")
    assert {"checkpoint", "ddim_samples.npz"} == made
    assert "checkpoint" in said and "asks for initialise.py" in said


def test_a_checkpoint_that_was_copied_over_is_not_the_one_on_record(copied):
    """Copied without the stamp that Snakemake left in the folder, it is another all the same."""
    checkpoint, other = (copied / "results" / name / "checkpoint" for name in ("tiny", "other"))
    shutil.copytree(checkpoint, other)
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["provenance"]["settings"]["seed"] = 5
    later = os.stat(checkpoint / ".snakemake_timestamp").st_ctime + 1.5
    time.sleep(max(0, later - time.time()))
    (checkpoint / "manifest.json").write_text(json.dumps(manifest))
    made, said = dry_run(copied, "results/tiny/ddim_samples.npz")
    assert made == {"checkpoint", "ddim_samples.npz"}
    assert "checkpoint: it was made with seed = 5, and the config says 0; it is made again" in said


def test_what_is_damaged_is_made_again(built, copied):
    results = copied / "results" / "tiny"
    for name, length in {"forward.png": 500, "trajectory.gif": 0, "ddim_samples.npz": -20}.items():
        data = (results / name).read_bytes()
        (results / name).write_bytes(data[:length])
    next((results / "checkpoint" / "state").rglob("manifest.ocdbt")).unlink()
    made, said = dry_run(copied)
    damaged = {"forward.png", "trajectory.gif", "ddim_samples.npz", "checkpoint"}
    assert made >= damaged
    for name in damaged:
        assert re.search(rf"results/tiny/{name}: .*; it is made again", said)
    assert snakemake(copied).returncode == 0
    assert artifacts(copied) == artifacts(built[0])


@pytest.mark.parametrize("kind", ["folder", "link", "foreign"])
def test_what_is_the_user_s_own_is_left_alone(kind, copied):
    figure = copied / "results" / "tiny" / "forward.png"
    figure.unlink()
    if kind == "folder":
        figure.mkdir()
        said = "this is a folder, where a file is to be built; move it away"
    elif kind == "link":
        figure.symlink_to("nowhere")
        said = "this link leads to no file; take it away"
    else:
        Image.new("RGB", (8, 8)).save(figure)
        said = "this file does not say what made it"
    done = snakemake(copied, "-n")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert f"results/tiny/forward.png: {said}" in done.stdout + done.stderr


def test_what_a_user_forces_is_passed_on(copied):
    made, _ = dry_run(copied, "results/tiny/ddim_samples.png", "--forcerun", "initialise")
    assert made == {"checkpoint", "ddim_samples.npz", "ddim_samples.png"}
