"""The workflow as its users meet it: snakemake in a folder of its own, on the tiny experiment."""

import os
import re
import shutil
import subprocess
import sys
import time

import pytest
from conftest import (
    ROOT,
    another_value,
    artifacts,
    copy_project,
    nested,
    setting_paths,
    slow,
    snakemake,
    some_quick,
    tiny_config,
    write_config,
)

# What is made from what. With it, and with READERS, the table of reruns is known without asking
# the Snakefile.
MADE_INTO = {
    "data.npz": ["forward.npz"],
    "forward.npz": ["forward.png"],
    "checkpoint": ["ddpm_samples.npz", "ddim_samples.npz", "trajectory.npz"],
    "ddpm_samples.npz": ["ddpm_samples.png", "speed.json"],
    "ddim_samples.npz": ["ddim_samples.png", "speed.json"],
    "trajectory.npz": ["trajectory.png", "trajectory.gif"],
    "speed.json": ["speed.png"],
}
ALL = {*MADE_INTO, *(name for names in MADE_INTO.values() for name in names)}
IMAGES = ["forward.png", "ddpm_samples.png", "ddim_samples.png", "trajectory.png", "trajectory.gif"]
CHAINS = ["ddpm_samples.npz", "ddim_samples.npz", "trajectory.npz"]

# What reads a setting; the longest path that begins a setting's own path counts.
READERS = {
    "figures": [],
    "shards": ["ddpm_samples.npz", "ddim_samples.npz"],
    "seed": ["data.npz", "checkpoint", "forward.npz", *CHAINS],
    "data": ["data.npz"],
    "model": ["checkpoint", *CHAINS],
    "model.input_dim": ["data.npz", "checkpoint", *CHAINS],
    "diffusion": ["checkpoint", "forward.npz", *CHAINS],
    "weights": [],
    "weights.source": ["data.npz", "initial_checkpoint", "checkpoint"],
    "training": [],
    "evaluation": [],
    "forward": ["forward.npz"],
    "sampling": CHAINS,
    "ddpm": ["ddpm_samples.npz", "trajectory.npz"],
    "ddpm.n_samples": ["ddpm_samples.npz"],
    "ddim": ["ddim_samples.npz"],
    "trajectory": ["trajectory.npz"],
    "render": IMAGES,
    "render.dpi": [*IMAGES, "speed.png"],
    "render.columns": ["ddpm_samples.png", "ddim_samples.png"],
    "render.max_panels": ["ddpm_samples.png", "ddim_samples.png"],
    "render.frames_per_second": ["trajectory.gif"],
}


def downstream(names):
    """Return `names` and all that is made from them."""
    names = set(names)
    while True:
        more = names | {name for made in names for name in MADE_INTO.get(made, [])}
        if more == names:
            return names
        names = more


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


UNREAD = ("weights.folder", "training.", "evaluation.")  # by an experiment that does not train


def row_of(path):
    """Return the row of READERS that holds for a setting."""
    return max((row for row in READERS if f"{path}.".startswith(f"{row}.")), key=len)


SETTINGS = [path for path in setting_paths() if not path.startswith(UNREAD)]
FIRST_OF_ROW = {row_of(path): path for path in reversed(SETTINGS)}.values()


@pytest.mark.parametrize("path", some_quick(SETTINGS, lambda path: path in FIRST_OF_ROW))
def test_a_setting_reruns_what_depends_on_it_and_nothing_else(path, built):
    folder, _ = built
    row = row_of(path)
    write_config(folder, tiny_config(nested(path, another_value(path))))
    try:
        assert announced(folder) == downstream(READERS[row])
    finally:
        write_config(folder)
    assert READERS[row] or row == "figures"


def test_settings_of_training_and_evaluation_rerun_nothing_where_nothing_is_trained(built):
    """Where they count: test_training_workflow.py."""
    changes = {}
    for path in setting_paths():
        if path.startswith(UNREAD):
            section, key = path.split(".")
            changes.setdefault(section, {})[key] = another_value(path)
    assert len(changes) == 3
    write_config(built[0], tiny_config(changes))
    try:
        assert announced(built[0]) == set()
    finally:
        write_config(built[0])


SOURCES = sorted(
    str(path.relative_to(ROOT))
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "scripts").glob("*.py")]
)


def test_a_job_lists_the_modules_that_it_imports_and_no_other(built):
    """What it imports was recorded while it ran."""
    folder, imports = built
    done = snakemake(folder, "-n", "--forceall", "all", "speed")
    jobs = re.findall(r"^    input: (.+)\n    output: ([^,\n]+)", done.stdout, re.MULTILINE)
    listed = {
        os.path.basename(output): set(inputs.split(", ")) & set(SOURCES) for inputs, output in jobs
    }
    assert listed.keys() == imports.keys() == ALL
    # These are imported only where `data.source` asks for them.
    listed["data.npz"] -= {source for source in SOURCES if "/datasets/" in source}
    for name, files in imports.items():
        assert listed[name] == files, name


@pytest.mark.parametrize(
    "source",
    [
        *("scripts/render_samples.py", "src/sfumato/samplers/ddim.py", "src/sfumato/unet.py"),
        *map(slow, ("scripts/sample.py", "src/sfumato/schedule.py")),
        slow("src/sfumato/config/forward.py"),
        *("src/sfumato/plotting.py", "src/sfumato/errors.py", "src/sfumato/data.py"),
    ],
)
def test_a_module_reruns_what_imports_it_and_nothing_else(source, built):
    folder, imports = built
    file = folder / source
    before = file.read_bytes()
    users = {name for name, files in imports.items() if source in files}
    file.write_bytes(before + b"\n# another line\n")
    try:
        assert announced(folder) == downstream(users)
    finally:
        file.write_bytes(before)
    assert users


# What only the workflow itself reads, the interface for people, and what is for experiments that
# train or are judged: see test_training_workflow.py.
UNUSED_BY_JOBS = {
    *(f"scripts/{name}.py" for name in ("train", "adopt", "render_training", "train_classifier")),
    *(f"scripts/{name}.py" for name in ("evaluate", "compare_quality", "render_quality")),
    "scripts/render_nearest.py",
    *(f"src/sfumato/{name}.py" for name in ("history", "losses", "optimiser", "progress")),
    *(f"src/sfumato/{name}.py" for name in ("resumption", "training", "config/training")),
    *(f"src/sfumato/config/{name}.py" for name in ("evaluation", "weights")),
    *(f"src/sfumato/datasets/{name}.py" for name in ("__init__", "idx", "download", "folder")),
    *(
        str(path.relative_to(ROOT))
        for path in (ROOT / "src" / "sfumato" / "evaluation").glob("*.py")
    ),
    *(f"scripts/{name}.py" for name in ("explain", "freeze", "verify")),
    *(f"src/sfumato/{name}.py" for name in ("artifacts", "explanation", "verification")),
    "scripts/gather.py",  # only where there are shards: test_sharding.py
    "src/sfumato/config/experiment.py",
    "src/sfumato/model.py",
}


def test_every_other_module_concerns_a_job(built):
    used = set().union(*built[1].values())
    assert set(SOURCES) - used == UNUSED_BY_JOBS


def test_a_touched_file_reruns_nothing(built):
    folder, _ = built
    for path in [*folder.glob("src/**/*.py"), *folder.glob("scripts/*"), *folder.glob("Snakefile")]:
        os.utime(path)
    os.utime(folder / "config.yaml")
    os.utime(folder / "results" / "tiny" / "data.npz")
    assert announced(folder) == set()


def test_the_seed_does_not_concern_real_digits(tmp_path):
    """mnist-5k has nothing random: another seed keeps its data."""
    config = tiny_config({"data": {"source": "mnist-5k"}, "figures": ["forward.png"]})
    folder = copy_project(tmp_path / "digits", config)
    assert snakemake(folder).returncode == 0
    config["experiments"]["tiny"]["seed"] = 1
    write_config(folder, config)
    done = snakemake(folder, "-n")
    assert "prepare_data" not in done.stdout + done.stderr
    assert "diffuse" in done.stdout + done.stderr


def test_two_clean_runs_give_the_same_bytes_and_another_seed_gives_others(built, tmp_path):
    """One run for both: a second experiment beside the same one, in another folder."""
    config = tiny_config()
    config["experiments"]["other"] = {"seed": 1}
    config["targets"].append("other")
    folder = copy_project(tmp_path / "elsewhere", config)
    assert snakemake(folder).returncode == 0
    whole = artifacts(built[0])
    assert artifacts(folder) == whole
    assert set(whole) == {name for name in ALL if name[-3:] in {"npz", "png", "gif"}} - {
        "speed.png"
    }
    other = artifacts(folder, "other")
    assert all(other[name] != whole[name] for name in whole)


@pytest.mark.parametrize(
    "target",
    some_quick(
        ["forward", "ddpm_samples", "trajectory", *(f"results/tiny/{name}" for name in IMAGES)],
        ("forward", "results/tiny/ddim_samples.png", "trajectory").__contains__,
    ),
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
    figures |= {"speed", "quality", "verify"}
    assert listed == {"all", "tiny", *figures}
    assert announced(folder) == ALL
    done = snakemake(folder, "-n", "results/tin/forward.png")
    assert done.returncode != 0 and "Traceback" not in done.stdout + done.stderr


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
    trap = tmp_path / "trap"
    for name in ("jax", "flax", "orbax", "matplotlib"):
        (trap / name).mkdir(parents=True)
        (trap / name / "__init__.py").write_text(f"raise SystemExit('{name} was imported')")
    clock = time.monotonic()
    done = snakemake(folder, "-n", env={**os.environ, "PYTHONPATH": str(trap)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - clock < 10  # about one second; a busy machine may take longer
    assert "diffusion_mnist/ddpm_samples.png" in done.stdout + done.stderr


def test_another_directory(built, tmp_path):
    """--directory puts the results there; the config beside the Snakefile serves it."""
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
    config = tiny_config({"figures": ["forward.png"], "forward": {"index": 0}})
    write_config(place, config)  # a config of its own comes first
    done = snakemake(place, "--snakefile", str(folder / "Snakefile"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (place / "results" / "tiny" / "forward.png").read_bytes() != made


def test_a_project_that_is_moved_is_still_up_to_date(built, tmp_path):
    folder = tmp_path / "moved"
    shutil.copytree(built[0], folder, symlinks=True)
    assert announced(folder) == set()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "config.yaml: is empty"),
        ("- a\n", "config.yaml: is a list"),
        ("a: [1", "config.yaml: this is not YAML"),
        ("targets: [a]\ntargets: [a]\n", "config.yaml: the key 'targets' stands twice"),
        (
            "targets: [a]\nexperiments: {a: {sede: 1}}\n",
            "experiments.a.sede: unknown key (its value",
        ),
        ("targets: []\nexperiments: {a: {}}\n", "targets: [] needs at least 1 entries"),
        ("targets: [b]\nexperiments: {a: {}}\n", "targets[0]: 'b' is not one of the experiments"),
        (
            "targets: [all]\nexperiments: {all: {}}\n",
            "experiments.all: 'all' is the name of a rule",
        ),
        (
            "targets: [sample]\nexperiments: {sample: }\n",
            "experiments.sample: 'sample' is the name of a rule",
        ),
        (
            "targets: [a]\nexperiments: {a: {diffusion: {beta_end: 1.0}}}\n",
            "experiments.a.diffusion.beta_end: 1.0 must be less than 1",
        ),
    ],
)
def test_a_mistake_in_the_config_is_one_sentence(tmp_path, content, said):
    folder = copy_project(tmp_path / "mistake")
    (folder / "config.yaml").write_text(content)
    done = snakemake(folder, "-n")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr + done.stdout
    lines = [line for line in done.stderr.splitlines() if "workflow specific profile" not in line]
    assert len(lines) == 1 and lines[0].startswith(said), done.stderr


def test_another_config_file_is_checked_too(tmp_path):
    folder = copy_project(tmp_path / "other")
    (folder / "more.yaml").write_text("defaults: {seed: 1, seed: 2}\n")
    done = snakemake(folder, "-n", "--configfile", "more.yaml")
    assert done.returncode != 0 and "more.yaml: the key 'seed' stands twice" in done.stderr
    (folder / "more.yaml").write_text("defaults: {seed: -2}\n")
    done = snakemake(folder, "-n", "--configfile", "more.yaml")
    assert "defaults.seed: -2 must be at least 0" in done.stderr


def test_settings_on_the_command_line(built):
    """Numbers below the first level are numbers, and rerun what a change of the file would."""
    assert announced(built[0], "--config", "defaults={ddim: {steps: 6}}") == downstream(
        READERS["ddim"]
    )
    done = snakemake(built[0], "-n", "--config", "defaults={ddim: {steps: 0}}")
    assert "defaults.ddim.steps: 0 must be at least 1" in done.stderr


def test_a_failed_job_shows_its_sentence_and_leaves_nothing(built, tmp_path):
    folder = tmp_path / "failing"
    shutil.copytree(built[0], folder, symlinks=True)
    (folder / "results" / "tiny" / "trajectory.npz").write_bytes(b"not an npz")
    done = snakemake(folder, "results/tiny/trajectory.png")
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "not a whole .npz file of this workflow" in output
    assert not (folder / "results" / "tiny" / "trajectory.png").exists()


def test_report(built):
    folder, _ = built
    done = snakemake(folder, "all", "speed", "--report", "report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    html = (folder / "report.html").read_text()
    for words in ("forward diffusion", "ddim samples", "denoising trajectory", "measured speed"):
        assert words in html


def test_the_workflow_sets_what_jax_needs(built):
    """Unset by the user: a cache in the project, no preallocation, one kind of random bits."""
    folder, _ = built
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "XLA_"))}
    (folder / "probe.smk").write_text(
        'include: "Snakefile"\n'
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


def test_every_rule_declares_what_it_needs():
    """Each rule with a command has log, benchmark, threads, resources and a command to paste."""
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        text = file.read_text()
        for rule in re.split(r"^rule ", text, flags=re.MULTILINE)[1:]:
            if "shell:" not in rule:
                continue
            directives = {"log:", "benchmark:", "threads:", "resources:", "conda:"}
            if "output:" not in rule:  # a benchmark would be one, and then the rule would not run
                directives -= {"benchmark:"}
            for directive in directives:
                assert directive in rule, (file.name, rule.split(":")[0], directive)
            for resource in ("mem_mb=", "runtime=", "gpu="):
                assert resource in rule, (file.name, rule.split(":")[0], resource)
        assert not re.search(r"^\s+run:|lambda", text, flags=re.MULTILINE)


def test_the_readme_has_this_table():
    rows = re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \|$", (ROOT / "README.md").read_text(), re.M)
    table = {name: set(files.split(", ")) for name, files in rows if name in READERS}
    expected = {name: downstream(readers) for name, readers in READERS.items() if readers}
    expected["seed"] -= {"data.npz"}  # of the real digits, which have nothing random
    assert table == expected
