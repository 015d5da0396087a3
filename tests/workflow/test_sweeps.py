"""Sweeps as their users meet them: what is drawn, what is not drawn again, what files say."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import snakemake, tiny_config, write_config

from sfumato.records.opening import open_record
from sfumato.records.verify import artifacts_in
from sfumato.sampling.convergence import Convergence

SWEEPS = {
    "steps": {"of": "ddim", "over": {"steps": [5, 3]}},
    "grid": {"of": "ddim", "over": {"steps": [3, 5], "clip": [True, False]}},
}
CONVERGENCE = {"of": ["ddim"], "steps": [3, 4], "reference": 5, "n_samples": 5}
CONVERGENCE |= {"clip": True, "spacing": "trailing"}
SWEPT = {"sweeps": SWEEPS, "convergence": CONVERGENCE}


def dry_run(folder, *targets, **override):
    """Return which files a dry-run would make, the first of each job, and all that it says."""
    write_config(folder, tiny_config({**SWEPT, **override}))
    done = snakemake(folder, "-n", *targets)
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    found = re.findall(r"^    output: results/tiny/([^,\n]+)", said, re.MULTILINE)
    assert done.returncode or "    output: results/" in said or "Nothing to be done" in said
    return found, said


@pytest.fixture(scope="module")
def swept(built, tmp_path_factory):
    """Return a project in which a sweep was built whose entry there was, and one point."""
    folder = tmp_path_factory.mktemp("swept") / "a copy"
    shutil.copytree(built[0], folder, symlinks=True)
    write_config(folder, tiny_config(SWEPT))
    done = snakemake(folder, "sweep_steps", "convergence", "results/tiny/sweep_steps.csv")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def points(folder):
    return sorted((folder / "results" / "tiny" / "points").glob("*_samples.npz"))


def test_a_point_is_drawn_once_and_an_entry_not_again(swept):
    """The sweep has 5 steps, as the entry has, and 3; convergence has 3, 4 and 5."""
    assert len(points(swept)) == 2
    table = open_record(swept / "results" / "tiny" / "sweep_steps.csv")
    assert [row["file"] for row in table.content.values()][0] == "ddim_samples.npz"
    assert [row["nfe"] for row in table.content.values()] == ["5", "3"]
    assert all(float(row["seconds_per_sample"]) > 0 for row in table.content.values())
    for row in table.content.values():
        arrays = open_record(swept / "results" / "tiny" / row["file"]).read()
        assert len(arrays["images"]) == 5 and len(arrays["timesteps"]) == int(row["nfe"])


def test_the_figure_says_what_it_was_drawn_from(swept):
    figure = open_record(swept / "results" / "tiny" / "sweep_steps.png").record
    assert figure.artifact == "sweep_steps.png" and len(figure.inputs) == 3
    assert {"table", "ddim_samples.npz"} < figure.inputs.keys()
    for name, origin in figure.inputs.items():
        file = "sweep_steps.csv" if name == "table" else name
        assert origin.digest == open_record(swept / "results" / "tiny" / file).digest


def test_convergence_is_the_distance_of_images_from_the_same_noise(swept):
    import numpy as np

    results = swept / "results" / "tiny"
    (curve,) = Convergence.of(open_record(results / "convergence.json")).curves
    images = {
        len(arrays["timesteps"]): arrays["images"]
        for path in (*points(swept), results / "ddim_samples.npz")
        for arrays in [open_record(path).read()]
    }
    expected = [np.linalg.norm(images[n] - images[5]) / images[5].size ** 0.5 for n in (3, 4)]
    assert curve.steps == curve.nfe == (3, 4)
    assert curve.distances == pytest.approx(expected, rel=1e-6)


def test_times_are_shown_and_not_verified(swept):
    untimed = artifacts_in(swept / "results" / "tiny")
    assert {"convergence.png", "convergence.json"} <= untimed.keys()
    assert not any(name.startswith("sweep_") for name in untimed)
    _, said = dry_run(
        swept, "verify", figures=["sweep_steps.png", "convergence.png", "forward.png"]
    )
    assert "results/.verify/tiny/convergence.png" in said
    assert "results/.verify/tiny/sweep_steps.png" not in said


def test_a_second_run_has_nothing_to_do(swept):
    assert dry_run(swept, "sweep_steps", "convergence")[0] == []


def test_another_value_draws_that_value_alone(swept):
    more = {**SWEEPS, "steps": {"of": "ddim", "over": {"steps": [5, 3, 2]}}}
    found, _ = dry_run(swept, "sweep_steps", "convergence", sweeps=more)
    assert len(found) == 3 and found[1:] == ["sweep_steps.csv", "sweep_steps.png"]
    assert found[0].startswith("points/")


def test_another_sweep_draws_what_no_other_has(swept):
    found, _ = dry_run(swept, "results/tiny/sweep_grid.png")
    drawn = [name for name in found if name.startswith("points/")]
    assert len(drawn) == 2 and len(found) == 4  # not 3 and 5 steps, which were clipped


def test_without_records_the_files_are_believed_and_compared(swept, tmp_path):
    folder = tmp_path / "a copy"
    shutil.copytree(swept, folder, symlinks=True)
    shutil.rmtree(folder / ".snakemake")
    assert dry_run(folder, "sweep_steps", "convergence")[0] == []
    swapped = {**SWEEPS, "steps": {"of": "ddim", "over": {"steps": [3, 5]}}}
    found, said = dry_run(folder, "sweep_steps", "convergence", sweeps=swapped)
    assert found == ["sweep_steps.csv", "sweep_steps.png"] and "it was made with over" in said
    points(folder)[0].write_bytes(b"")
    found, _ = dry_run(folder, "sweep_steps", "convergence")
    assert found[0] == f"points/{points(folder)[0].name}"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("sweep_step", "there is no such target; did you mean 'sweep_steps'?"),
        ("results/tiny/sweep_grit.png", "did you mean 'sweep_grid.png'?"),
        ("results/tiny/sweep_grit.csv", "did you mean 'sweep_grid.csv'?"),
        ("results/tiny/points/000000000000_samples.npz", "none has the point points/000000000000"),
    ],
)
def test_a_target_that_there_is_not(target, said, swept):
    assert said in dry_run(swept, target)[1]


def test_the_scripts_refuse_what_is_not_theirs(swept):
    import compare_points  # pyright: ignore[reportMissingImports]
    import converge  # pyright: ignore[reportMissingImports]

    results = swept / "results" / "tiny"
    for script, file, option, path in (
        (compare_points, "sweep_steps.csv", "--timings", "ddpm_samples.timing.json"),
        (converge, "convergence.json", "--samples", "ddim_samples.npz"),
    ):
        settings = json.dumps(open_record(results / file).record.settings)
        words = ["--config", settings, option, str(results / path)]
        with pytest.raises(SystemExit) as caught:
            script.main([*words, "--output", str(swept / file)])
        assert str(caught.value.code).startswith(f"error: {option}: th")


def test_of_many_points_the_command_is_not_too_long(swept, tmp_path):
    """Linux starts no program with an argument of 128 KiB; the shell's own printf has no limit."""
    folder = tmp_path / "many"
    shutil.copytree(swept, folder, symlinks=True)
    many = {"of": "ddim", "over": {"eta": [k / 1000 for k in range(700)]}}
    write_config(folder, tiny_config({"sweeps": {"many": many}}))
    done = snakemake(folder, "-n", "-p", "results/tiny/sweep_many.csv")
    said = done.stdout + done.stderr
    command = said[said.rindex("printf %s") : said.rindex("2>&1")] + "2>&1"
    assert len(command) > 2**17
    script = folder / "command.sh"
    script.write_text(f"PATH={Path(sys.executable).parent}:$PATH\n{command}")
    assert subprocess.run(["bash", script], cwd=folder).returncode == 1
    log = (folder / "results" / "tiny" / "logs" / "compare_points_many.log").read_text()
    assert log.startswith("error: results/tiny/points/") and "there is no such file" in log
