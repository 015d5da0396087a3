"""What is made otherwise than Snakemake has on record, shown otherwise, or forced by a name."""

import os
import re
import shutil
from base64 import urlsafe_b64encode

import pytest
from conftest import nested, snakemake, tiny_config, write_config
from tables import IMAGES


def test_what_was_made_while_code_was_edited_is_made_again(copied):
    """Also after the edit is taken back: no record of Snakemake's tells of it."""
    source, script = copied / "src/sfumato/samplers/ddim.py", copied / "scripts/sample.py"
    before, text = source.read_bytes(), script.read_text()
    edit = f"open({str(source)!r}, 'a').write('NEW = 1')\n"
    script.write_text(re.sub("^from", lambda _: f"{edit}from", text, count=1, flags=re.MULTILINE))
    target = "results/tiny/ddim_samples.npz"
    (copied / target).unlink()
    done = snakemake(copied, target)
    assert done.returncode == 0 and b"NEW = 1" in source.read_bytes(), done.stderr
    assert f"{target}: its code was edited while the run went on" in done.stderr
    source.write_bytes(before)
    again = snakemake(copied, "-n", target)
    said = again.stdout + again.stderr
    assert f"{target}: it was made by other code; it is made again" in said


def test_touch_keeps_what_other_code_made(copied):
    with (copied / "src/sfumato/samplers/ddim.py").open("a") as file:
        file.write("\nNEW = 1\n")
    assert "rule sample" in snakemake(copied, "-n").stdout
    touched = snakemake(copied, "--touch")
    assert touched.returncode == 0 and "was edited" not in touched.stderr
    assert "Nothing to be done" in snakemake(copied, "-n").stdout


@pytest.mark.parametrize(
    ("forced", "made"),
    [
        (["-f", "ddim_samples"], ["ddim_samples.png"]),
        (["-R", "trajectory", "--", "all"], ["trajectory.gif", "trajectory.png"]),
        (["-f", "tiny"], sorted(IMAGES)),
    ],
    ids=str,
)
def test_to_force_a_name_is_to_force_its_files(forced, made, built):
    done = snakemake(built[0], "-n", *forced)
    assert done.returncode == 0, done.stderr
    outputs = re.findall(r"^    output: ([^,\n]+)", done.stdout + done.stderr, re.MULTILINE)
    assert sorted(os.path.basename(output) for output in outputs) == made


def test_a_report_of_figures_that_are_out_of_date_says_so(built):
    folder, _ = built
    files = ["results/tiny/ddim_samples.png", "results/tiny/forward.png"]
    fine = snakemake(folder, *files, "--report", "report.html")
    write_config(folder, tiny_config(nested("samples.ddim.steps", 9)))
    try:
        old = snakemake(folder, *files, "--report", "report.html")
    finally:
        write_config(folder)
    assert fine.returncode == old.returncode == 0, old.stdout + old.stderr
    assert "out of date" not in fine.stderr
    assert f"warning: {files[0]} is out of date, since settings, code or inputs" in old.stderr


def mark_incomplete(folder, *files):
    """Leave what a killed Snakemake leaves: its mark on the results of a job, and no record."""
    records = folder / ".snakemake"
    for file in files:
        name = urlsafe_b64encode(file.encode()).decode()
        (records / "incomplete" / name).write_text("{}")
        (records / "metadata" / name).unlink()


def test_what_a_job_finished_after_snakemake_was_killed_stands(copied):
    files = [f"results/tiny/ddim_samples.{kind}" for kind in ("npz", "timing.json")]
    before = (copied / files[0]).read_bytes()
    mark_incomplete(copied, *files)
    for _ in range(2):
        done = snakemake(copied)
        assert "Nothing to be done" in done.stdout + done.stderr
    assert (copied / files[0]).read_bytes() == before
    assert not [*(copied / ".snakemake" / "incomplete").iterdir()]


@pytest.mark.parametrize("how", ["damaged", "of another config"])
def test_what_is_marked_and_not_right_is_made_again(how, copied):
    file = "results/tiny/ddim_samples.npz"
    path = copied / file
    if how == "damaged":
        content = bytearray(path.read_bytes())
        content[content.index(b"images.npy") + 300] ^= 1
        path.write_bytes(content)
    else:
        shutil.copy(copied / "results/tiny/ddpm_samples.npz", path)
    mark_incomplete(copied, file)
    done = snakemake(copied, "-n", "-s", "workflow/Snakefile", file)
    assert done.returncode == 0 and "rule sample" in done.stdout, done.stderr
