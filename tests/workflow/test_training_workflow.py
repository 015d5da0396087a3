"""The workflow of an experiment that trains its network and judges its samples, on a tiny size."""

import re

import pytest
from conftest import ROOT, TINY, copy_project, nested, snakemake, some_quick, write_config

RUNS = ("ddpm_steps_10", "ddim_steps_5")
JUDGED = TINY | {
    "figures": ["ddim_samples.png", "training.png"],
    "data": {"source": "mnist-5k", "n_images": 60, "n_test": 20},
    "weights": {"source": "trained"},
    "training": {"steps": 12, "batch_size": 4, "warmup_steps": 2},
    "evaluation": {
        "runs": [{"sampler": "ddpm", "steps": 10}, {"sampler": "ddim", "steps": 5}],
        "n_samples": 12,
        "seeds": 1,
        "micro_batch": 4,
        "neighbours": 3,
        "classifier_steps": 5,
        "two_sample_steps": 2,
    },
}
CLASSIFIER = "evaluation/classifier.npz"
DRAWN, MORE_DRAWN = ([f"evaluation/{run}/{k}.npz" for run in RUNS] for k in range(2))
SCORED, MORE_SCORED = (
    [f"evaluation/{run}/{k}.metrics.json" for run in ("floor", *RUNS)] for k in range(2)
)
MADE_INTO = {
    "data.npz": ["checkpoint", CLASSIFIER, *SCORED, "nearest.png"],
    "initial_checkpoint": ["checkpoint"],
    "checkpoint": ["training.png", "ddim_samples.npz", *DRAWN],
    "ddim_samples.npz": ["ddim_samples.png"],
    CLASSIFIER: SCORED,
    **{name: [name.replace(".npz", ".metrics.json")] for name in DRAWN},
    DRAWN[0]: [DRAWN[0].replace(".npz", ".metrics.json"), "nearest.png"],
    **{name: ["quality.json"] for name in SCORED},
    DRAWN[0].replace(".npz", ".metrics.json"): ["quality.json", "nearest.png"],
    "quality.json": ["quality_vs_nfe.png"],
}
FIGURES = ["ddim_samples.png", "training.png", "quality_vs_nfe.png", "nearest.png"]
ALL = {"initial_checkpoint", *MADE_INTO, *FIGURES}


def config(**changes):
    return {"targets": ["tiny"], "defaults": JUDGED, "experiments": {"tiny": changes}}


def downstream(names):
    """Return `names` and all that is made from them."""
    names = set(names)
    while (more := names | {into for name in names for into in MADE_INTO.get(name, [])}) != names:
        names = more
    return names


def announced(folder):
    """Return what a dry-run says it would make: the first file of each job."""
    done = snakemake(folder, "-n", "all", "quality")
    assert done.returncode == 0, done.stdout + done.stderr
    return set(re.findall(r"^    output: results/tiny/([^,\n]+)", done.stdout, re.MULTILINE))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("judged") / "a project", config())
    assert announced(folder) == ALL
    done = snakemake(folder, "all", "quality")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_a_second_run_has_nothing_to_do(built):
    assert announced(built) == set()
    results = built / "results" / "tiny"
    assert not (results / "training").exists()
    table = (results / "metrics.md").read_text().splitlines()
    assert {line.count("|") for line in table} == {3 + len(RUNS)}
    assert any(line.startswith("| two-sample accuracy |") for line in table)
    assert (results / "history.csv").read_text().count("\n") == 3 + 12


WEIGHTS = ["checkpoint"]
READERS = {
    "training.steps": ("training.steps", 13, WEIGHTS),
    "training.loss": ("training.loss", "l1", WEIGHTS),
    "data": ("data.n_test", 21, ["data.npz"]),
    "model": ("model.channels", 8, ["initial_checkpoint"]),
    "seed": ("seed", 1, ["initial_checkpoint", *WEIGHTS, CLASSIFIER, *DRAWN, *SCORED]),
    "weights": ("weights.source", "fresh", ["data.npz"]),
    "evaluation.n_samples": ("evaluation.n_samples", 11, [*DRAWN, *SCORED]),
    "evaluation.micro_batch": ("evaluation.micro_batch", 5, DRAWN),
    "evaluation.neighbours": ("evaluation.neighbours", 2, SCORED),
    "evaluation.two_sample_steps": ("evaluation.two_sample_steps", 3, SCORED),
    "evaluation.classifier_steps": ("evaluation.classifier_steps", 6, [CLASSIFIER]),
    "evaluation.seeds": ("evaluation.seeds", 2, [*MORE_DRAWN, *MORE_SCORED, "quality.json"]),
    "evaluation.runs": ("evaluation.runs", JUDGED["evaluation"]["runs"][:1], ["quality.json"]),
    "ddim": ("ddim.eta", 0.5, ["ddim_samples.npz", *DRAWN[1:]]),
    "render.colormap": ("render.colormap", "magma", ["ddim_samples.png", "nearest.png"]),
    "render.dpi": ("render.dpi", 41, FIGURES),
}


QUICK = ("training.steps", "data", "seed", "evaluation.n_samples", "ddim", "evaluation.seeds")


@pytest.mark.parametrize("name", some_quick(READERS, QUICK.__contains__))
def test_a_setting_reruns_what_depends_on_it_and_nothing_else(name, built):
    path, value, readers = READERS[name]
    expected = downstream(readers)
    changes = nested(path, value)
    if name == "weights":
        expected -= {"training.png"}
        changes["figures"] = ["ddim_samples.png"]
    write_config(built, config(**changes))
    try:
        assert announced(built) == expected
    finally:
        write_config(built, config())


SCORES = ("fd_lenet", "kid")
CODE = {
    "src/sfumato/training.py": WEIGHTS,
    "src/sfumato/losses.py": WEIGHTS,
    "scripts/train.py": WEIGHTS,
    "src/sfumato/data.py": ["data.npz"],
    "src/sfumato/unet.py": ["initial_checkpoint"],
    "src/sfumato/evaluation/kernel.py": SCORED,
    "src/sfumato/evaluation/classifier.py": [CLASSIFIER],
    "src/sfumato/quality.py": None,  # most jobs
    "scripts/compare_quality.py": ["quality.json"],
    "scripts/render_nearest.py": ["nearest.png"],
    "src/sfumato/progress.py": [],
}
COMMENTS = {
    "src/sfumato/training.py": [],
    "scripts/train.py": [],
    "src/sfumato/resumption.py": [],
    "src/sfumato/data.py": [],
}


def announced_after(built, source, text):
    file = built / source
    before = file.read_bytes()
    file.write_bytes(before + text)
    try:
        return announced(built)
    finally:
        file.write_bytes(before)


@pytest.mark.parametrize("source", [name for name, readers in CODE.items() if readers is not None])
def test_a_change_of_code_reruns_what_imports_it(source, built):
    assert announced_after(built, source, b"\nNEW = 1\n") == downstream(CODE[source])


@pytest.mark.parametrize("source", COMMENTS)
def test_a_comment_does_not_train_again(source, built):
    text = b'\n# another comment\n"""and another text"""\n'
    assert announced_after(built, source, text) == downstream(COMMENTS[source])


@pytest.mark.parametrize(
    "source",
    some_quick(
        ["unet", "schedule", "arrays", "plotting", "data", "checkpoint"],
        ("unet", "plotting").__contains__,
    ),
)
def test_no_comment_anywhere_trains_again(source, built):
    assert "checkpoint" not in announced_after(built, f"src/sfumato/{source}.py", b"\n# more\n")


def test_evaluation_that_cannot_be_is_refused_when_it_is_asked_for(built):
    for path, value, said in (
        ("evaluation.n_samples", 21, "evaluation.n_samples: 21 must be at most data.n_test (20)"),
        ("data.n_test", 55, "n_samples: 12 must be at most data.n_images - data.n_test (5)"),
        ("ddim.steps", 21, "ddim.steps: 21 must be at most diffusion.noise_steps (20)"),
        ("evaluation.runs", [{"sampler": "ddpm", "steps": 21}], "evaluation.runs[0].steps: 21"),
        ("evaluation.runs", [{"sampler": "euler"}], "evaluation.runs[0].sampler: 'euler' must be"),
        ("evaluation.runs", [{"sampler": "ddim", "n_samples": 3}], "runs[0].n_samples: 3 is the"),
        ("figures", ["training.png"], None),
    ):
        write_config(built, config(**nested(path, value)))
        try:
            done = snakemake(built, "-n", "quality")
        finally:
            write_config(built, config())
        assert (done.returncode == 0) == (said is None)
        assert (said or "") in done.stderr and "Traceback" not in done.stderr


def test_a_figure_of_training_needs_training(tmp_path):
    folder = copy_project(tmp_path / "fresh", config(weights={"source": "fresh"}))
    done = snakemake(folder, "-n")
    said = "experiments.tiny.figures: 'training.png' needs weights.source to be trained"
    assert done.returncode != 0 and said in done.stderr


def test_a_pretrained_checkpoint_is_adopted(built, tmp_path):
    """From a folder of the working directory; one that is not there is refused."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    options = ("--snakefile", str(ROOT / "Snakefile"))
    for folder in (str(built / "results/tiny/checkpoint"), "nowhere"):
        changes = {
            "weights": {"source": "pretrained", "folder": folder},
            "figures": ["ddim_samples.png"],
        }
        write_config(place, config(**changes))
        done = snakemake(place, *options)
        if folder == "nowhere":
            said = "experiments.tiny.weights.folder: there is no checkpoint"
            assert done.returncode != 0 and said in done.stderr and "Traceback" not in done.stderr
        else:
            assert done.returncode == 0, done.stderr
            ours, theirs = (
                (each / "results/tiny/ddim_samples.npz").read_bytes() for each in (place, built)
            )
            assert len(ours) and ours != theirs  # another provenance, since it was adopted
