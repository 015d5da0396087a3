"""The workflow of an experiment that trains its network and scores its samples."""

import os
import re
import shutil

import pytest
from conftest import (
    QUICK,
    ROOT,
    SCORED_TINY,
    copy_project,
    nested,
    scored_config,
    slow,
    snakemake,
    warm_server,
    write_config,
)
from tables import (
    MORE_DRAWN,
    MORE_SCORED,
    RUNS,
    SCORED,
    SCORED_ALL,
    SCORED_INTO,
    SCORED_READERS,
    WEIGHTS,
    downstream,
)

from sfumato.records.opening import open_record


def announced(folder):
    """Return what a dry-run says it would make: the first file of each job."""
    done = snakemake(folder, "-n", "all", "quality")
    assert done.returncode == 0, done.stdout + done.stderr
    return set(re.findall(r"^    output: results/tiny/([^,\n]+)", done.stdout, re.MULTILINE))


def test_everything_is_built(scored):
    results = scored / "results" / "tiny"
    assert all((results / name).exists() for name in SCORED_ALL)
    assert not (results / "training").exists()
    table = (results / "metrics.md").read_text().splitlines()
    assert {line.count("|") for line in table} == {3 + len(RUNS)}
    assert any(line.startswith("| two-sample accuracy |") for line in table)
    assert (results / "history.csv").read_text().count("\n") == 3 + 12


def test_a_second_run_has_nothing_to_do(scored):
    assert announced(scored) == set()


# What test_plan.py cannot see: these choose other jobs. The last one is there to compare with it.
BY_INPUTS = {
    "weights.source": ("fresh", WEIGHTS),
    "evaluation.seeds": (2, [*MORE_DRAWN, *MORE_SCORED, "quality.json"]),
    "evaluation.runs": (SCORED_TINY["evaluation"]["runs"][:1], ["quality.json"]),
    "training.loss": SCORED_READERS["training.loss"],
}


@pytest.mark.parametrize("path", [slow("weights.source"), *list(BY_INPUTS)[1:]])
def test_a_setting_reruns_what_depends_on_it_and_nothing_else(path, scored):
    value, readers = BY_INPUTS[path]
    expected, override = downstream(readers, SCORED_INTO), nested(path, value)
    if path == "weights.source":
        expected -= {"training.png"}
        figures = scored_config()["defaults"]["figures"]
        override["figures"] = [figure for figure in figures if figure != "training.png"]
    write_config(scored, scored_config(override))
    try:
        assert announced(scored) == expected
    finally:
        write_config(scored, scored_config())


CODE = {
    "src/sfumato/training/losses.py": WEIGHTS,
    "src/sfumato/evaluation/kernel.py": SCORED,
    "src/sfumato/figures/nearest.py": ["nearest.png"],
}
WORDS = {
    "src/sfumato/training/step.py": b"\n# another comment\n",
    "src/sfumato/training/store.py": b'\n"""and another text"""\n',
    "src/sfumato/training/progress.py": b"\nNEW = 1\n",  # what shows how a job goes on
    "scripts/train.py": b"\n# another comment\n",
}


def announced_after(folder, edits):
    """Return what a dry-run announces after edits of files, which are then taken back."""
    before = {name: (folder / name).read_bytes() for name in edits}
    try:
        for name, text in edits.items():
            (folder / name).write_bytes(before[name] + text)
        return announced(folder)
    finally:
        for name, content in before.items():
            (folder / name).write_bytes(content)


@pytest.mark.parametrize("source", [next(iter(CODE)), *map(slow, list(CODE)[1:])])
def test_a_change_of_code_reruns_what_imports_it(source, scored):
    found = announced_after(scored, {source: b"\nNEW = 1\n"})
    assert found == downstream(CODE[source], SCORED_INTO)


def test_a_comment_does_not_train_again(scored):
    assert announced_after(scored, WORDS) == set()


IMPOSSIBLE = {
    "evaluation.n_samples": (21, "evaluation.n_samples: 21 must be at most data.n_test (20)"),
    "data.n_test": (55, "evaluation.n_samples: 12 must be at most data.n_images - data.n_test (5)"),
    "evaluation.runs": (
        [{"of": "ddpm", "over": {"steps": [21]}}],
        "evaluation.runs[0].over.steps: 21 must be at most diffusion.noise_steps (20)",
    ),
}


@pytest.mark.parametrize("path", ["evaluation.runs", *map(slow, list(IMPOSSIBLE)[:2])])
def test_evaluation_that_cannot_be_is_refused_when_it_is_asked_for(path, scored):
    """And not before: the rest of the experiment is fine. All sentences: test_samples.py."""
    value, said = IMPOSSIBLE[path]
    write_config(scored, scored_config(nested(path, value)))
    try:
        refused, fine = (snakemake(scored, "-n", target) for target in ("quality", "all"))
    finally:
        write_config(scored, scored_config())
    output = refused.stdout + refused.stderr
    assert refused.returncode != 0 and f"experiments.tiny.{said}" in output
    assert "Traceback" not in output
    assert fine.returncode == 0, fine.stdout + fine.stderr


def test_a_figure_of_training_needs_training(tmp_path):
    config = scored_config({"weights": {"source": "fresh"}})
    done = snakemake(copy_project(tmp_path / "fresh", config), "-n")
    said = "experiments.tiny.figures: 'training.png' needs weights.source to be trained"
    assert done.returncode != 0 and said in done.stdout


def test_a_pretrained_checkpoint_is_adopted(scored, tmp_path):
    """From a folder of the working directory; one that is not there is refused."""
    place = tmp_path / "elsewhere"
    place.mkdir()

    def sampled(folder):
        weights = {"source": "pretrained", "folder": str(folder)}
        figures = ["ddim_samples.png"]
        write_config(place, scored_config({"weights": weights, "figures": figures}))
        target = "results/tiny/ddim_samples.npz"
        environment = os.environ | warm_server() | QUICK
        return snakemake(place, "--snakefile", str(ROOT / "Snakefile"), target, env=environment)

    refused = sampled("nowhere")
    output = refused.stdout + refused.stderr
    said = "experiments.tiny.weights.folder: there is no checkpoint"
    assert refused.returncode != 0 and said in output and "Traceback" not in output
    trained = scored / "results" / "tiny"
    done = sampled(trained / "checkpoint")
    assert done.returncode == 0, done.stdout + done.stderr
    ours, theirs = (
        open_record(each / "ddim_samples.npz") for each in (place / "results/tiny", trained)
    )
    assert ours.digest == theirs.digest
    adopted, checkpoint = ours.record.inputs["checkpoint"], theirs.record.inputs["checkpoint"]
    assert adopted.provenance.inputs["pretrained"].digest == checkpoint.digest


@pytest.mark.slow
def test_training_goes_on_from_a_checkpoint(scored, tmp_path):
    """Of another experiment, to other classes; then nothing is to be done, nor in a copy."""
    trained = scored / "results" / "tiny" / "checkpoint"
    config = scored_config(
        {
            "figures": ["ddim_samples.png"],
            "weights": {"source": "finetuned", "folder": str(trained)},
            "model": {**SCORED_TINY["model"], "num_classes": 12},
            "samples": {"ddpm": None, "steered": None},
            "evaluation": {"runs": [{"of": "ddim"}]},
        }
    )

    def run(folder):
        write_config(folder, config)
        environment = os.environ | warm_server() | QUICK
        done = snakemake(folder, "--snakefile", str(ROOT / "Snakefile"), "tiny", env=environment)
        return done.stdout + done.stderr

    said = run(tmp_path)
    assert re.findall(r"^(?:local)?rule (\w*train\w*):", said, re.MULTILINE) == [
        *("adopt_to_train", "train")
    ], said
    results = tmp_path / "results" / "tiny"
    made = open_record(results / "ddim_samples.npz").record
    begun = made.inputs["checkpoint"].provenance.inputs["initial"].provenance
    assert begun.inputs["pretrained"].digest == open_record(trained).digest
    shutil.copytree(results, tmp_path / "copy" / "results" / "tiny")
    for folder in (tmp_path, tmp_path / "copy"):
        assert "Nothing to be done" in run(folder)
