"""The table of reruns: for each setting and each module, exactly what depends on it.

Snakemake reruns a job whose parameters changed. Here they are compared without it; that it does
rerun exactly those jobs is in test_workflow.py.
"""

import re

import pytest
import yaml
from conftest import (
    ROOT,
    SCORED_TINY,
    changing,
    nested,
    scored_config,
    setting_paths,
    tiny_config,
)
from slurm_cluster import without_gpus
from snakemake.iocontainers import Wildcards
from tables import (
    ALL,
    CLASSIFIER,
    DRAWN,
    FLOOR,
    NOISY,
    READERS,
    RUNS,
    SCORED,
    SCORED_ALL,
    SCORED_INTO,
    SCORED_READERS,
    SWEPT,
    SWEPT_READERS,
    downstream,
    row_of,
)

from sfumato.config.resolve import resolve
from sfumato.records.code import COSMETIC, SCRIPTS, modules_of, source_files
from sfumato.workflow.lookup import names, stage
from sfumato.workflow.picking import settings_of
from sfumato.workflow.plan import Plan
from sfumato.workflow.reruns import seen_by

# For each file the stage that makes it, and the wildcards of its job.
JOBS = {
    "data.npz": ("prepare_data", {}),
    "checkpoint": ("initialise", {}),
    "forward.npz": ("forward", {}),
    "ddpm_samples.npz": ("sample", {"name": "ddpm"}),
    "ddim_samples.npz": ("sample", {"name": "ddim"}),
    "trajectory.npz": ("trajectory", {}),
    "speed.json": ("compare_speed", {}),
    "forward.png": ("render_forward", {}),
    "ddpm_samples.png": ("render_samples", {"name": "ddpm"}),
    "ddim_samples.png": ("render_samples", {"name": "ddim"}),
    "trajectory.png": ("render_trajectory", {}),
    "trajectory.gif": ("render_animation", {}),
    "speed.png": ("render_speed", {}),
}
SCORING_JOBS = {
    "data.npz": ("prepare_data", {}),
    "initial_checkpoint": ("initialise", {}),
    "checkpoint": ("train", {}),
    "training.png": ("render_training", {}),
    "ddim_samples.npz": ("sample", {"name": "ddim"}),
    "ddim_samples.png": ("render_samples", {"name": "ddim"}),
    "steered_samples.npz": ("sample", {"name": "steered"}),
    "steered_samples.png": ("render_samples", {"name": "steered"}),
    NOISY: ("train_guidance_classifier", {}),
    CLASSIFIER: ("train_classifier", {}),
    **{file: ("sample", {"run": run, "k": "0"}) for file, run in zip(DRAWN, RUNS, strict=True)},
    **{file: ("evaluate", {"run": r, "k": "0"}) for file, r in zip(SCORED[1:], RUNS, strict=True)},
    FLOOR: ("evaluate", {"k": "0"}),
    "quality.json": ("compare_quality", {}),
    "quality_vs_nfe.png": ("render_quality", {}),
    "nearest.png": ("render_nearest", {}),
    "likelihood.json": ("likelihood", {}),
    "likelihood.png": ("render_likelihood", {}),
}


SWEPT_JOBS = {
    "checkpoint": ("initialise", {}),
    "ddim_samples.npz": ("sample", {"name": "ddim"}),
    "sweep_s.csv": ("compare_points", {"sweep": "s"}),
    "sweep_s.png": ("render_sweep", {"sweep": "s"}),
    "convergence.json": ("converge", {}),
    "convergence.png": ("render_convergence", {}),
}


def parameters(config, jobs):
    """Return what Snakemake compares of each job: its settings, and how it is made."""
    plan = Plan(*resolve(config))
    return {
        file: [
            ask(name)(Wildcards(fromdict={"experiment": "tiny", **wildcards}))
            for ask in (plan.settings, plan.making)
        ]
        for file, (name, wildcards) in jobs.items()
    }


def changed(before, after):
    return {file for file in before if before[file] != after[file]}


@pytest.fixture(scope="module")
def tiny_parameters():
    return parameters(tiny_config(), JOBS)


@pytest.fixture(scope="module")
def scored_parameters():
    return parameters(scored_config(), SCORING_JOBS)


BY_INPUTS = ("shards", "figures", "weights.source")  # they choose other rules: test_workflow.py


def test_the_tables_name_every_job():
    assert JOBS.keys() == ALL and SCORING_JOBS.keys() == SCORED_ALL
    jobs = [*JOBS.values(), *SCORING_JOBS.values(), *SWEPT_JOBS.values()]
    stages = {name for name, _ in jobs}
    assert set(names()) - stages == {"adopt", "gather"}


@pytest.mark.parametrize("path", [path for path in setting_paths() if path not in BY_INPUTS])
def test_a_setting_concerns_what_depends_on_it_and_nothing_else(path, tiny_parameters):
    after = parameters(tiny_config(changing(path)), JOBS)
    assert changed(tiny_parameters, after) == downstream(READERS[row_of(path)])


@pytest.mark.parametrize("path", SCORED_READERS)
def test_a_setting_of_training_or_evaluation(path, scored_parameters):
    value, readers = SCORED_READERS[path]
    after = parameters(scored_config(nested(path, value)), SCORING_JOBS)
    assert changed(scored_parameters, after) == downstream(readers, SCORED_INTO)


def test_the_seed_does_not_concern_real_digits(scored_parameters):
    """mnist-5k has nothing random: another seed keeps its data."""
    after = parameters(scored_config({"seed": 7}), SCORING_JOBS)
    assert after["data.npz"] == scored_parameters["data.npz"]
    assert after["checkpoint"] != scored_parameters["checkpoint"]


def test_another_run_draws_that_run_alone(scored_parameters):
    runs = [*SCORED_TINY["evaluation"]["runs"], {"of": "ddim", "over": {"eta": [0.5]}}]
    after = parameters(scored_config({"evaluation": {"runs": runs}}), SCORING_JOBS)
    assert changed(scored_parameters, after) == {"quality.json", "quality_vs_nfe.png"}


def swept_parameters(override=None):
    """Return what Snakemake compares of each job of sweep and convergence, points among them.

    Points are in two tables: those of the sweep, and those of convergence.
    """
    config = tiny_config(override)
    config["defaults"] = {**config["defaults"], **SWEPT}
    plan = Plan(*resolve(config))
    points = []
    for name, wildcards in (("compare_points", {"sweep": "s"}), ("converge", {})):
        files = plan.drawn(name, "")(Wildcards(fromdict={"experiment": "tiny", **wildcards}))
        names = [file.removeprefix("results/tiny/").removesuffix("_samples") for file in files]
        jobs = {name: ("sample", {"name": name}) for name in names if name.startswith("points/")}
        points.append(parameters(config, jobs))
    return parameters(config, SWEPT_JOBS), *points


@pytest.fixture(scope="module")
def before():
    return swept_parameters()


@pytest.mark.parametrize("path", SWEPT_READERS)
def test_a_setting_of_a_sweep_draws_what_is_new_alone(path, before):
    """A point that was there before is asked for in the same way."""
    value, readers, *counts = SWEPT_READERS[path]
    after = swept_parameters(nested(path.strip(), value))
    assert changed(before[0], after[0]) == set(readers)
    for there, here, count in zip(before[1:], after[1:], counts, strict=True):
        assert len(here.keys() - there.keys()) == count
        assert all(there[name] == here[name] for name in there.keys() & here.keys())


def test_the_seed_concerns_every_point(before):
    after = swept_parameters({"seed": 3})
    assert changed(before[0], after[0]) == set(SWEPT_JOBS)
    for there, here in zip(before[1:], after[1:], strict=True):
        assert there.keys() == here.keys() and changed(there, here) == there.keys()


def closure(file, config=None):
    """Return the files whose meaning counts for a job: the script, and what it may import."""
    plan = Plan(*resolve(config or tiny_config()))
    name, wildcards = JOBS[file]
    asked = stage(name)
    experiment = plan.experiments["tiny"]
    seen = seen_by(asked, experiment, Wildcards(fromdict={"experiment": "tiny", **wildcards}))
    modules = modules_of(settings_of(asked, seen))
    script = SCRIPTS / asked.script
    found = [script, *source_files(script, *asked.modules, *modules)]
    return {str(path.relative_to(ROOT)) for path in found}


# A job imports these only where its settings ask for them; they count all the same.
ON_DEMAND = re.compile(
    r"src/sfumato/(data/(download|folders|idx|pictures)"
    r"|records/decoding|sampling/restoring|networks/(classes|guidance_classifier|restoring))\.py"
)


@pytest.mark.parametrize("file", JOBS)
def test_the_code_that_counts_for_a_job_is_what_it_imports(file, built):
    """What it imports was recorded while it ran."""
    recorded = built[1][file] - {f"src/sfumato/{name}" for name in COSMETIC}
    counted = {path for path in closure(file) if not ON_DEMAND.fullmatch(path)}
    assert counted - recorded == set(), "these count, and were not imported"
    assert recorded - counted == set(), "these were imported, and do not count"


def test_a_sampler_concerns_its_own_samples_alone():
    users = {file for file in JOBS if "src/sfumato/samplers/ddim.py" in closure(file)}
    assert users == {"ddim_samples.npz"}
    users = {file for file in JOBS if "src/sfumato/figures/forward.py" in closure(file)}
    assert users == {"forward.png"}


def test_the_docs_have_this_table():
    rows = re.findall(
        r"^\| `([a-z_.]+)` \| ([^|]+) \|$", (ROOT / "docs" / "reruns.md").read_text(), re.M
    )
    table = {name: set(files.split(", ")) for name, files in rows if name in READERS}
    expected = {name: downstream(readers) for name, readers in READERS.items() if readers}
    expected["seed"] -= {"data.npz"}  # of the real digits, which have nothing random
    assert table == expected


def test_the_profile_for_slurm_names_every_rule_that_asks_for_a_gpu():
    profile = without_gpus((ROOT / "profiles" / "slurm" / "config.yaml").read_text())
    rules = "".join(file.read_text() for file in ROOT.glob("workflow/rules/*.smk"))
    asking = set(re.findall(r"^rule (\w+):(?:(?!^rule ).)*?gpu=1", rules, re.M | re.S))
    variants = re.findall(r"^use rule (\w+) as (\w+) with", rules, re.M)
    asking |= {variant for rule, variant in variants if rule in asking}
    assert set(yaml.safe_load(profile)["set-resources"]) == asking


@pytest.mark.parametrize("runs", [[{"of": "ddim"}], [{"of": "ddim", "over": {"steps": [3]}}]])
def test_a_figure_of_guidance_without_guidance_is_refused_before_anything_is_drawn(runs):
    inputs = Plan(*resolve(tiny_config({"evaluation": {"runs": runs}}))).inputs("guidance")
    said = "^experiments.tiny.evaluation.runs: none is guided; vary guidance.scale, as in {of: dd"
    with pytest.raises(SystemExit, match=said):
        inputs(Wildcards(fromdict={"experiment": "tiny"}))


def test_images_of_another_experiment_are_measured_beside_its_own():
    def measured(other, **clothes):
        config = scored_config({"likelihood": {"other": other}})
        config["experiments"]["clothes"] = clothes
        job = Wildcards(fromdict={"experiment": "tiny"})
        return Plan(*resolve(config)).images_measured(job)

    own = "results/tiny/data.npz"
    assert measured(None) == [own] and measured("clothes") == [own, "results/clothes/data.npz"]
    place = "^experiments.tiny.likelihood.other: "
    said = f"{place}'cloths' must be one of 'tiny' or 'clothes', .*; did you mean 'clothes'"
    with pytest.raises(SystemExit, match=said):
        measured("cloths")
    said = rf"{place}'clothes' has images of \[8, 8, 3\], and tiny has images of \[8, 8, 1\]"
    with pytest.raises(SystemExit, match=said):
        measured("clothes", model={"input_dim": [8, 8, 3]})
