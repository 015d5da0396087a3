# What all rules share: where the code is, what a rule depends on, and what jax finds.

import atexit
import contextlib
import fcntl
import gc
import hashlib
import os
import re
import shutil
import sys
from collections import namedtuple
from functools import cache
from pathlib import Path

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "src"))

from sfumato.config.checks import check_evaluation
from sfumato.config.experiment import (
    TIMED,
    check_file,
    check_names,
    resolve,
    settings_of,
    with_typed_arguments,
)
from sfumato.workflow.settings import canonical
from sfumato.errors import InputError
from sfumato.records.provenance import (
    COMPUTING,
    DRAWING,
    EVALUATING,
    LOADING,
    TRAINING,
    versions,
)
from sfumato.samplers import SAMPLERS
from sfumato.sampling.shards import shard_count
from sfumato.records.code import meaning_digest, source_files

# The garbage collector need not walk what is imported by now, nor anything at the exit: all that
# would take a third of a dry-run.
gc.freeze()
atexit.register(gc.freeze)


def prepend(variable, path):
    """Put a folder before those that an environment variable of paths names."""
    rest = os.environ.get(variable)
    os.environ[variable] = f"{path}{os.pathsep}{rest}" if rest else str(path)


# Jobs run the Python that runs Snakemake, and find the library without its being installed.
prepend("PATH", Path(sys.executable).parent)
prepend("PYTHONPATH", ROOT / "src")
# Compiled programs are kept, so that one figure again does not compile again. On a GPU, jobs take
# the memory that they need and not three quarters of it, and multiply in full float32. Random bits
# are made in the one way that does not depend on how arrays are laid out. What the user has set
# stays.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".cache" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_THREEFRY_PARTITIONABLE", "true")
os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "float32")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def release_stale_lock():
    """Remove the lock that a killed Snakemake left, so that the same command runs again.

    Every live Snakemake shares a lock that the kernel drops when its process dies, in whatever
    way. Only a process that can have it for itself, for a moment, knows that no other is alive;
    else Snakemake's own lock stays, and refuses a second run as ever. The file must stay open as
    long as this process lives, so it is returned.
    """
    folder = Path(".snakemake")
    folder.mkdir(exist_ok=True)
    file = open(folder / "alive", "w")
    # A job that Snakemake started on another node cannot always see that lock: it removes nothing.
    # Where the file system knows no such locks, Snakemake's own must do.
    try:
        if workflow.is_main_process:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder / "locks", ignore_errors=True)
    except OSError:
        pass
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_SH)
    return file


alive = release_stale_lock()


def or_exit(call, *arguments):
    """Call something that reads what the user wrote; a mistake ends Snakemake with a sentence."""
    try:
        return call(*arguments)
    except InputError as error:
        sys.exit(str(error))


def check_results():
    """Raise an InputError if nothing can be written where everything is to be built."""
    results = Path("results")
    if results.is_dir() and not os.access(results, os.W_OK):
        raise InputError(
            f"{results}: this folder cannot be written to; change its permissions or the mount, "
            "or build elsewhere with --directory"
        )


def check_python():
    """Raise an InputError if jobs on other machines cannot be started with this Python."""
    if workflow.non_local_exec and re.search(r"\s", sys.executable):
        raise InputError(
            f"{sys.executable}: Snakemake cannot start jobs on a cluster with a Python whose path "
            "has a space; put the environment elsewhere"
        )


def explain_failure():
    """Say on the terminal what a log on a full disk cannot say."""
    if shutil.disk_usage(".").free < 2**20 or (
        Path("results").is_dir() and shutil.disk_usage("results").free < 2**20
    ):
        print(
            "results: No space left on device; make room there and run the same command again",
            file=sys.stderr,
        )


def config_file():
    """Return config.yaml of the working directory, or else the one beside the Snakefile."""
    here = Path("config.yaml")
    path = here if os.path.lexists(here) else ROOT / "config.yaml"
    for file in [path, *workflow.configfiles]:
        or_exit(check_file, Path(file))
    return str(path)


def one_of(names):
    """Return the pattern of a wildcard that is one of `names`, which may be none."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


def relative(paths):
    """Write paths from the working directory: a project that is moved is still up to date."""
    return [os.path.relpath(path) for path in paths]


def script(name):
    """Return the path of a script."""
    return relative([ROOT / "scripts" / name])[0]


def modules(name):
    """Return the library's files that a script imports: a change of one reruns its rules."""
    return relative(source_files(ROOT / "scripts" / name)[1:])


def sampler_modules(name, sampler="{sampler}"):
    """Return `modules`, and those of the sampler that the script imports by its name."""

    def of(wildcards):
        sampler_module = f"sfumato.samplers.{sampler.format(**wildcards)}"
        return relative(source_files(ROOT / "scripts" / name, sampler_module)[1:])

    return of


def meaning(name):
    """Return, as a function, what a script and its modules mean, whatever their comments say."""

    def of(wildcards):
        return meaning_of(ROOT / "scripts" / name)

    return of


def with_weights(*sources):
    """Return the names of the experiments whose weights come from one of `sources`."""
    return [
        name
        for name, experiment in EXPERIMENTS.items()
        if experiment.weights.source in sources
    ]


def pretrained_folder(wildcards):
    """Return the checkpoint to adopt: from the working directory, or from beside the Snakefile."""
    folder = Path(EXPERIMENTS[wildcards.experiment].weights.folder)
    return str(folder) if folder.exists() else relative([ROOT / folder])[0]


def pretrained_manifest(wildcards):
    """Return the file that has the digests of all others of that checkpoint."""
    manifest = Path(pretrained_folder(wildcards)) / "manifest.json"
    if not manifest.is_file():
        sys.exit(
            f"experiments.{wildcards.experiment}.weights.folder: there is no checkpoint, "
            f"no {manifest}"
        )
    return str(manifest)


def settings(*keys):
    """Return, as a function of the experiment, the settings that a rule depends on.

    They are one canonical text: Snakemake compares the set of a rule's parameters, in which two
    numbers that changed places go unseen.
    """

    def of(wildcards):
        filled = [
            key.format(sampler=getattr(wildcards, "sampler", None)) for key in keys
        ]
        return canonical(settings_of(EXPERIMENTS[wildcards.experiment], *filled))

    return of


def data_files(wildcards):
    """Return the user's files that the images come from."""
    from sfumato.data.folders import picture_files

    data = EXPERIMENTS[wildcards.experiment].data
    match data.source:
        case "images":
            return [str(path) for path in or_exit(picture_files, Path(data.folder))]
        case "mnist" | "fashion-mnist" if data.folder:
            return sorted(str(path) for path in Path(data.folder).glob("*ubyte*"))
    return []


def data_cache():
    """Return the folder in which downloads are kept."""
    return relative([ROOT / ".cache" / "data"])[0]


def data_settings(wildcards):
    """Return the settings of the data; the seed is one of them only where images are random."""
    keys = ["data", "model.input_dim"]
    random = EXPERIMENTS[wildcards.experiment].data.source == "noise"
    return settings(*keys, *(["seed"] if random else []))(wildcards)


def trajectory_settings(wildcards):
    """Return the settings of the trajectory: those of DDPM but for the number of samples."""
    ddpm = [
        f"ddpm.{key}" for key in EXPERIMENTS[wildcards.experiment].ddpm.model_dump()
    ]
    ddpm.remove("ddpm.n_samples")
    keys = ["seed", "model", "diffusion", "sampling", "trajectory"]
    return settings(*keys, *ddpm)(wildcards)


def shards(suffix):
    """Return, as a function of experiment and sampler, the files of all shards of its samples."""

    def of(wildcards):
        experiment = EXPERIMENTS[wildcards.experiment]
        n_samples = getattr(experiment, wildcards.sampler).n_samples
        n = shard_count(n_samples, experiment.sampling.in_a_shard(), experiment.shards)
        stem = f"results/{wildcards.experiment}/shards/{wildcards.sampler}_samples"
        return [f"{stem}-{k}-of-{n}{suffix}" for k in range(1, n + 1)]

    return of


def upstream(*scripts):
    """Return, as a function of the wildcards, how everything is made that a rule's inputs come from.

    A job that fails takes its old result and Snakemake's record of it away. Without this, what was
    made from that result would then look up to date, whatever the job was run for.
    """

    def of(wildcards):
        made = {}
        source = EXPERIMENTS[wildcards.experiment].weights.source
        for name in scripts:
            for script in MAKE_WEIGHTS[source] if name == "weights" else [name]:
                script, _, sampler = script.partition(":")
                sampler = sampler or getattr(wildcards, "sampler", "ddpm")
                named = [f"sfumato.samplers.{sampler}"] if script in SAMPLING else []
                config = SETTINGS[script](Named(wildcards.experiment, sampler))
                code = meaning_of(ROOT / "scripts" / script, *named)
                made[f"{script} {sampler}"] = [code, config]
        if "weights" in scripts and source == "pretrained":
            made["pretrained"] = file_digest(pretrained_manifest(wildcards))
        return canonical([made, versions(sorted({*TRAINING, *LOADING}))])

    return of


# Files do not change while the jobs are laid out, and there may be a thousand shards.
meaning_of = cache(meaning_digest)
Named = namedtuple("Named", ["experiment", "sampler"])
SAMPLING = ("sample.py", "trajectory.py")
MAKE_WEIGHTS = {
    "fresh": ["initialise.py"],
    "trained": ["prepare_data.py", "initialise.py", "train.py"],
    "pretrained": ["adopt.py"],
}
SETTINGS = {
    "prepare_data.py": data_settings,
    "initialise.py": settings("seed", "model", "diffusion"),
    "train.py": settings("seed", "model", "diffusion", "training", "weights.source"),
    "adopt.py": settings("model", "diffusion", "weights"),
    "forward.py": settings("seed", "diffusion", "forward"),
    "sample.py": settings("seed", "model", "diffusion", "sampling", "{sampler}"),
    "trajectory.py": trajectory_settings,
}


@cache
def file_digest(path):
    """Return the sha256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def run_of(wildcards):
    """Return the run of the evaluation that a wildcard names."""
    runs = EXPERIMENTS[wildcards.experiment].evaluation.runs
    return next(run for run in runs if run.name == wildcards.run)


def run_sampler(wildcards):
    """Return the sampler of a run."""
    return run_of(wildcards).sampler


def run_seed(wildcards):
    """Return the seed of a run: that of the experiment, and those that follow it."""
    return EXPERIMENTS[wildcards.experiment].seed + int(wildcards.k)


def run_modules(wildcards):
    """Return the library's files that drawing the samples of a run depends on."""
    return sampler_modules("sample.py", run_sampler(wildcards))(wildcards)


def run_settings(wildcards):
    """Return the settings of a run: the experiment's, with what the run has otherwise."""
    experiment, run = EXPERIMENTS[wildcards.experiment], run_of(wildcards)
    evaluation = experiment.evaluation
    section = run.section(getattr(experiment, run.sampler).model_dump())
    return canonical(
        {
            **settings_of(experiment, "model", "diffusion"),
            "seed": run_seed(wildcards),
            "sampling": {"micro_batch": evaluation.micro_batch},
            run.sampler: section.model_dump() | {"n_samples": evaluation.n_samples},
        }
    )


def all_metrics(wildcards):
    """Return the metrics of all runs and seeds, those of real images first."""
    experiment = EXPERIMENTS[wildcards.experiment]
    or_exit(check_evaluation, experiment, f"experiments.{wildcards.experiment}")
    evaluation = experiment.evaluation
    runs = ["floor", *(run.name for run in evaluation.runs)]
    return [
        f"results/{wildcards.experiment}/evaluation/{run}/{k}.metrics.json"
        for run in runs
        for k in range(evaluation.seeds)
    ]


def first_run(suffix):
    """Return, as a function of the experiment, a file of its first run."""

    def of(wildcards):
        run = EXPERIMENTS[wildcards.experiment].evaluation.runs[0].name
        return f"results/{wildcards.experiment}/evaluation/{run}/0{suffix}"

    return of


SCORING = settings(
    *(f"evaluation.{name}" for name in ("n_samples", "neighbours", "two_sample_steps"))
)


def packages(*names):
    """Return the versions that a rule's result depends on: an upgrade reruns it."""
    return canonical(versions(names))
