"""The workflow as its users meet it: snakemake in a folder of its own, on the tiny experiment."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys

import pytest
from conftest import (
    ROOT,
    another_value,
    artifacts,
    copy_project,
    nested,
    snakemake,
    some_quick,
    tiny_config,
    write_config,
)
from tables import ALL, IMAGES, MADE_INTO, READERS, downstream, row_of


def announced(folder, *arguments):
    """Return what a dry-run says it would make, by the name of each job's first file."""
    done = snakemake(folder, "-n", "all", "speed", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    outputs = re.findall(r"^    output: ([^,\n]+)", done.stdout + done.stderr, re.MULTILINE)
    if not outputs:
        assert "Nothing to be done" in done.stdout + done.stderr
    return {os.path.basename(output) for output in outputs if "/shards/" not in output}


def test_everything_is_built(built):
    folder, _ = built
    names = {path.name for path in (folder / "results" / "tiny").iterdir()}
    assert names >= ALL | {"ddpm_samples.timing.json", "logs", "benchmarks"}
    for kind in ("logs", "benchmarks"):
        jobs = {path.stem for path in (folder / "results" / "tiny" / kind).iterdir()}
        assert len(jobs) == len(ALL), jobs


def test_a_second_run_has_nothing_to_do(built):
    assert announced(built[0]) == set()


# The whole table, without Snakemake: test_plan.py.
@pytest.mark.parametrize(
    "path", ["shards", "weights.source", "samples.ddpm.n_samples", "render.dpi", "data.n_test"]
)
def test_a_setting_reruns_what_depends_on_it_and_nothing_else(path, built):
    folder, _ = built
    write_config(folder, tiny_config(nested(path, another_value(path))))
    try:
        assert announced(folder) == downstream(READERS[row_of(path)])
    finally:
        write_config(folder)


def test_settings_of_training_and_evaluation_rerun_nothing_where_nothing_is_trained(built):
    changes = {"training": {"steps": 7, "warmup_steps": 1}, "evaluation": {"seeds": 3}}
    write_config(built[0], tiny_config(changes | {"weights": {"folder": "elsewhere"}}))
    try:
        assert announced(built[0]) == set()
    finally:
        write_config(built[0])


CODE = {
    "scripts/sample.py": ["ddpm_samples.npz", "ddim_samples.npz"],
    "src/sfumato/samplers/ddim.py": ["ddim_samples.npz"],
    "src/sfumato/networks/unet.py": ["checkpoint"],
    "src/sfumato/figures/panels.py": IMAGES,
    "src/sfumato/data/images.py": ["data.npz"],
}


def edited(folder, edits):
    """Return what a dry-run announces after edits of files, which are then taken back."""
    before = {source: (folder / source).read_bytes() for source in edits}
    try:
        for source, text in edits.items():
            (folder / source).write_bytes(before[source] + text)
        return announced(folder)
    finally:
        for source, text in before.items():
            (folder / source).write_bytes(text)


@pytest.mark.parametrize("source", some_quick(CODE, list(CODE)[1:3].__contains__))
def test_a_change_of_code_reruns_what_imports_it_and_nothing_else(source, built):
    """What each job imports: test_plan.py."""
    assert edited(built[0], {source: b"\nNEW = 1\n"}) == downstream(CODE[source])


def test_no_comment_and_no_docstring_anywhere_reruns_anything(built):
    folder, _ = built
    sources = [*folder.glob("src/**/*.py"), *folder.glob("scripts/*.py")]
    words = b'\n# another comment\n"""and another text"""\n'
    edits = {str(path.relative_to(folder)): words for path in sources}
    rules = [*folder.glob("workflow/**/*.smk"), folder / "Snakefile", folder / "workflow/Snakefile"]
    edits |= {str(path.relative_to(folder)): b"\n# another comment\n" for path in rules}
    assert len(edits) > 100
    assert edited(folder, edits) == set()


def test_a_touched_file_reruns_nothing(built):
    folder, _ = built
    for path in [*folder.glob("src/**/*.py"), *folder.glob("scripts/*"), *folder.glob("Snakefile")]:
        os.utime(path)
    os.utime(folder / "config.yaml")
    os.utime(folder / "results" / "tiny" / "data.npz")
    assert announced(folder) == set()


def test_figure_after_figure_has_the_bytes_of_one_run_and_another_seed_others(built, tmp_path):
    """From nothing, by rule and by file, each call makes what it is asked for and no more."""
    whole = artifacts(built[0])
    assert set(whole) == {n for n in ALL if n[-3:] in {"npz", "png", "gif"}} - {"speed.png"}
    config = tiny_config()
    figures = ["forward.png", "ddim_samples.png"]
    config["experiments"]["other"] = {"seed": 1, "figures": figures}
    folder, asked = copy_project(tmp_path / "elsewhere", config), set()
    for target, files in {
        "forward": ["forward.png"],
        "results/tiny/ddim_samples.png": ["ddim_samples.png"],
        "ddpm_samples trajectory": ["ddpm_samples.png", "trajectory.png", "trajectory.gif"],
    }.items():
        done, asked = snakemake(folder, *target.split()), asked.union(files)
        assert done.returncode == 0, done.stdout + done.stderr
        assert set(IMAGES) & set(artifacts(folder)) == asked
    assert artifacts(folder) == whole
    assert snakemake(folder, "other").returncode == 0
    other = artifacts(folder, "other")
    assert other.keys() >= set(figures) and all(other[name] != whole[name] for name in other)


@pytest.mark.slow
@pytest.mark.parametrize(
    "target", ["ddpm_samples", "trajectory", *(f"results/tiny/{name}" for name in IMAGES)]
)
def test_one_figure_alone_from_nothing(target, built, tmp_path):
    """By file and by rule; the bytes are those of the whole run."""
    whole = artifacts(built[0])
    folder = copy_project(tmp_path / "alone")
    done = snakemake(folder, target)
    assert done.returncode == 0, done.stderr
    made = artifacts(folder)
    asked = {name for name in IMAGES if name.partition(".")[0] == target}
    asked = asked or {os.path.basename(target)}
    assert set(IMAGES) & set(made) == asked
    assert all(made[name] == whole[name] for name in asked)


def test_targets(tmp_path):
    folder = copy_project(tmp_path / "targets")
    listed = set(snakemake(folder, "--list-target-rules").stdout.split())
    figures = {"forward", "ddpm_samples", "ddim_samples", "trajectory"}
    figures |= {"speed", "convergence", "quality", "gallery", "verify"}
    assert listed == {"all", "tiny", *figures}
    assert announced(folder) == ALL
    done = snakemake(folder, "-n", "results/tin/forward.png")
    assert done.returncode != 0 and "Traceback" not in done.stdout + done.stderr


def test_entries_of_samples_are_targets_and_null_removes_one(tmp_path):
    samples = {"few": {"sampler": "ddim", "steps": 3, "n_samples": 2}, "ddpm": None}
    folder = copy_project(tmp_path / "entries", tiny_config({"samples": samples}))
    listed = snakemake(folder, "--list-target-rules").stdout.split()
    assert "few_samples" in listed and "ddpm_samples" not in listed
    done = snakemake(folder, "-n")
    outputs = re.findall(r"^    output: ([^,\n]+)", done.stdout + done.stderr, re.MULTILINE)
    figures = {os.path.basename(output) for output in outputs if output.endswith(".png")}
    assert figures == {"forward.png", "few_samples.png", "ddim_samples.png"}


def test_figures_choose_the_targets(tmp_path):
    config = tiny_config({"figures": ["trajectory.gif"]})
    folder = copy_project(tmp_path / "few", config)
    done = snakemake(folder, "-n")
    outputs = re.findall(r"^    output: ([^,\n]+)", done.stdout + done.stderr, re.MULTILINE)
    assert {os.path.basename(o) for o in outputs} == {
        "checkpoint",
        "trajectory.npz",
        "trajectory.gif",
    }


def test_a_dry_run_is_quick_and_imports_no_jax(tmp_path):
    """A jax that cannot be imported does not disturb it."""
    folder = copy_project(tmp_path / "quick")
    shutil.copy(ROOT / "config.yaml", folder)
    (folder / "resources").symlink_to(ROOT / "resources")
    trap = tmp_path / "trap"
    for name in ("jax", "flax", "orbax", "matplotlib"):
        (trap / name).mkdir(parents=True)
        (trap / name / "__init__.py").write_text(f"raise SystemExit('{name} was imported')")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = snakemake(folder, "-n", env={**os.environ, "PYTHONPATH": str(trap)})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 10
    assert "diffusion_mnist/ddpm_samples.png" in done.stdout + done.stderr


def test_another_directory(built, tmp_path):
    """--directory puts the results there; the config beside the workflow serves it."""
    folder = copy_project(tmp_path / "code")
    place = tmp_path / "some place"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--cores", "1", "forward"),
            *("--snakefile", str(folder / "Snakefile"), "--directory", str(place)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    made = (place / "results" / "tiny" / "forward.png").read_bytes()
    assert made == artifacts(built[0])["forward.png"]
    assert not (folder / "results").exists()
    write_config(place, tiny_config({"forward": {"index": 0}}))  # its own config comes first
    done = snakemake(place, "-n", "forward", "--snakefile", str(folder / "Snakefile"))
    assert done.returncode == 0 and "rule forward_arrays:" in done.stdout, done.stderr


def test_a_project_that_is_moved_is_still_up_to_date(built, tmp_path):
    folder = tmp_path / "moved"
    shutil.copytree(built[0], folder, symlinks=True)
    assert announced(folder) == set()


MISTAKES = {
    "": "config.yaml: is empty",
    "a: [1": "config.yaml: this is not YAML",
    "targets: [a]\ntargets: [a]\n": "config.yaml: the key 'targets' appears twice",
    "targets: [a]\nexperiments: {a: {sede: 1}}\n": "experiments.a.sede: unknown key (its value",
    "targets: [all]\nexperiments: {all: {}}\n": "experiments.all: 'all' is the name of a rule",
    "targets: [sample]\nexperiments: {sample: }\n": "experiments.sample: 'sample' is the name of",
}


@pytest.mark.parametrize("content", some_quick(MISTAKES, list(MISTAKES)[2:5].__contains__))
def test_a_mistake_in_the_config_is_one_sentence(tmp_path, content):
    """All kinds of mistakes: test_config.py."""
    folder = copy_project(tmp_path / "mistake")
    (folder / "config.yaml").write_text(content)
    done = snakemake(folder, "-n")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr + done.stdout
    lines = done.stdout.splitlines()
    start = lines.index("WorkflowError:") + 1
    assert lines[start].startswith(MISTAKES[content]) and len(lines) == start + 1, done.stdout


def test_another_config_file_is_checked_too(tmp_path):
    folder = copy_project(tmp_path / "other")
    (folder / "more.yaml").write_text("defaults: {seed: 1, seed: 2}\n")
    done = snakemake(folder, "-n", "--configfile", "more.yaml")
    assert done.returncode != 0 and "more.yaml: the key 'seed' appears twice" in done.stdout
    (folder / "more.yaml").write_text("defaults: {seed: -2}\n")
    done = snakemake(folder, "-n", "--configfile", "more.yaml")
    assert "defaults.seed: -2 must be at least 0" in done.stdout


def test_settings_on_the_command_line(built):
    """Numbers below the first level are numbers, and rerun what a change of the file would."""
    change = "defaults={samples: {ddim: {steps: 6}}}"
    assert announced(built[0], "--config", change) == downstream(READERS["samples.ddim"])
    done = snakemake(built[0], "-n", "--config", "defaults={samples: {ddim: {steps: 0}}}")
    assert "defaults.samples.ddim.steps: 0 must be at least 1" in done.stdout


def test_a_failed_job_shows_its_sentence_and_leaves_nothing(copied):
    write_config(copied, tiny_config({"render": {"dpi": 1200, "panel_inches": 20}}))
    done = snakemake(copied, "results/tiny/trajectory.png")
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "pixels are too many; lower render.dpi" in output
    assert not (copied / "results" / "tiny" / "trajectory.png").exists()


def test_report(built):
    folder, _ = built
    done = snakemake(folder, "all", "speed", "--report", "report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    html = (folder / "report.html").read_text()
    for words in ("forward diffusion", "denoising trajectory", "measured speed", "byte for byte"):
        assert words in html
    axes = {"sampler": "DDIM", "steps": "5", "schedule": "linear", "network": "fresh"}
    assert json.dumps({"figure": "ddim samples"} | axes) in html
    assert "System Message" not in html  # of docutils, about a caption


def test_the_workflow_sets_what_jax_needs(built):
    """Unset by the user: a cache in the project, no preallocation, one kind of random bits."""
    folder, _ = built
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "XLA_"))}
    (folder / "probe.smk").write_text(
        'include: "Snakefile"\n'
        "import os\n"
        "for name, value in os.environ.items():\n"
        "    if name.startswith(('JAX_', 'XLA_')):\n"
        "        print(f'{name}={value}')\n"
    )
    try:
        done = snakemake(folder, "-n", "--snakefile", "probe.smk", env=environment)
    finally:
        (folder / "probe.smk").unlink()
    assert f"JAX_COMPILATION_CACHE_DIR={folder / '.cache' / 'jax'}" in done.stdout
    assert "XLA_PYTHON_CLIENT_PREALLOCATE=false" in done.stdout
    assert "JAX_THREEFRY_PARTITIONABLE=true" in done.stdout
    assert ".cache/" in (ROOT / ".gitignore").read_text().splitlines()


RULES = "".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))


def test_every_rule_declares_what_it_needs():
    """Each rule with a command has log, benchmark and conda; one for the GPU its resources."""
    for rule in re.split(r"^(?: {4})?rule ", RULES, flags=re.MULTILINE)[1:]:
        if "shell:" not in rule:
            continue
        wanted = {"log:", "benchmark:", "conda:", "params:"}
        if "output:" not in rule:  # a benchmark would be one, and then the rule would not run
            wanted -= {"benchmark:"}
        missing = {directive for directive in wanted if directive not in rule}
        assert not missing, (rule.split(":")[0], missing)
        if "gpu=1" in rule and "threads: 8" in rule:
            assert "mem_mb=" in rule and "runtime=" in rule, rule.split(":")[0]


def test_the_rules_are_rules():
    """No Python that could be typed and tested in src/."""
    assert not re.search(r"^\s+run:|lambda|^\s*def ", RULES, flags=re.MULTILINE)
    common = (ROOT / "workflow" / "rules" / "common.smk").read_text()
    assert len(common.splitlines()) <= 120


def test_made_into_is_a_graph_of_its_own_names():
    assert downstream(["checkpoint", "data.npz"]) == ALL == downstream(MADE_INTO)
