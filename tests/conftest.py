"""What tests share: tiny settings, exact denoisers, and a folder to build in."""

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest
from filelock import FileLock

from sfumato.config.experiment import Experiment
from sfumato.config.merge import merge_sections
from sfumato.config.nested import leaves
from sfumato.config.resolve import resolve
from sfumato.errors import InputError
from sfumato.workflow.environment import DECIDING

ROOT = Path(__file__).resolve().parent.parent

TINY = {
    "data": {"source": "noise", "n_images": 12, "n_test": 4},
    "model": {
        "input_dim": [8, 8, 1],
        "channels": 4,
        "channel_multipliers": [1],
        "attention_levels": [0],
        "attention_heads": 2,
        "norm_groups": 2,
    },
    "diffusion": {"noise_steps": 20},
    "forward": {"index": 1, "timesteps": [0, 10, 19]},
    "sampling": {"micro_batch": 4},
    "samples": {"ddpm": {"n_samples": 5, "steps": 10}, "ddim": {"n_samples": 5, "steps": 5}},
    "trajectory": {"snapshots": 4, "frames": 8},
    "render": {"dpi": 40, "columns": 3, "max_panels": 4},
}
"""Sections of an experiment that runs in no time."""


SCORED_TINY = TINY | {
    "figures": ["ddim_samples.png", "steered_samples.png", "training.png", "likelihood.png"],
    "data": {"source": "mnist-5k", "n_images": 60, "n_test": 20},
    "model": {**TINY["model"], "num_classes": 10},
    "samples": {
        "ddpm": TINY["samples"]["ddpm"],
        "ddim": {"n_samples": 5, "steps": 5, "labels": [3, 8], "guidance": {"scale": 2}},
        "steered": {
            "sampler": "ddim",
            "steps": 2,
            "labels": 4,
            "guidance": {"method": "classifier"},
        },
    },
    "guidance_classifier": {"steps": 3, "batch_size": 4},
    "weights": {"source": "trained"},
    "training": {"steps": 12, "batch_size": 4, "warmup_steps": 2},
    "likelihood": {"n_images": 4, "steps": 3, "probes": 2, "micro_batch": 4},
    "evaluation": {
        "runs": [{"of": "ddpm", "over": {"steps": [10]}}, {"of": "ddim", "over": {"steps": [5]}}],
        "n_samples": 12,
        "seeds": 1,
        "micro_batch": 4,
        "neighbours": 3,
        "classifier_steps": 5,
        "two_sample_steps": 2,
    },
}
"""The same of one whose network is trained and whose samples are scored."""


def pytest_collection_modifyitems(items):
    """Begin with the files that build, so that no worker is left alone with one at the end.

    test_training_workflow.py needs the same scored project as test_standing.py, which takes long to
    build; it comes last of these, when that is built.

    At the end are those that compile quickly, together, since programs are not shared with others.
    """
    items.sort(
        key=lambda item: (
            "workflow" not in item.path.parts,
            item.path.name == "test_training_workflow.py",
            is_quick(item),
        )
    )


@pytest.fixture(scope="session")
def common(tmp_path_factory):
    """Return a folder that all workers of xdist have in common."""
    place = tmp_path_factory.getbasetemp()
    return place.parent if "PYTEST_XDIST_WORKER" in os.environ else place


@pytest.fixture(scope="session", autouse=True)
def compilation_cache(common):
    """Share compiled programs among tests and the processes they start, and with no other run."""
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    for name, value in (
        ("jax_compilation_cache_dir", str(common / "jax")),
        ("jax_persistent_cache_min_compile_time_secs", 0.0),
    ):
        os.environ[name.upper()] = str(value)
        jax.config.update(name, value)
    compilation_cache.reset_cache()  # what was compiled before had none
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each process compiles the library again


@pytest.fixture(scope="module", autouse=True)
def compiler(request, compilation_cache):
    """Compile as users do, or quickly for a module that is marked `quick_compile`."""
    from compiling import compile_quickly

    compile_quickly(is_quick(request.node))


def is_quick(node):
    return node.get_closest_marker("quick_compile") is not None


@pytest.fixture
def schedule():
    from sfumato.config.diffusion import DiffusionConfig
    from sfumato.diffusion.schedule import make_schedule

    return make_schedule(DiffusionConfig())


def tiny_config(override=None):
    """Return a whole config with one experiment, the tiny one, some of it overridden."""
    return {"targets": ["tiny"], "defaults": TINY, "experiments": {"tiny": override or {}}}


def scored_config(override=None):
    """Return a whole config with one experiment, the scored one, some of it overridden."""
    return {"targets": ["tiny"], "defaults": SCORED_TINY, "experiments": {"tiny": override or {}}}


def tiny_experiment(override=None):
    """Return the tiny experiment, some of it overridden, every setting filled in."""
    return resolve(tiny_config(override))[1]["tiny"]


@pytest.fixture
def tiny():
    """Return the tiny experiment, every setting filled in."""
    return tiny_experiment()


@pytest.fixture(scope="session")
def project_once(common, tmp_path_factory):
    """Return a function that builds a project, once for all workers, and returns a copy of it.

    The tests of a worker share the copy: one that changes it changes it back, or copies it again.
    Beside it lies `imports`: for each job a file that lists what it imported.
    """

    def copy_of(name, config, *targets, **environment):
        place = common / name
        with FileLock(common / f"{name}.lock"):
            if not (place / "built").exists():
                build_once(place, config, *targets, **environment)
                (place / "built").touch()
        return shutil.copytree(place, tmp_path_factory.mktemp(name) / name, symlinks=True)

    return copy_of


def build_once(place, config, *targets, **environment):
    """Build a project in a folder, and record what its jobs import."""
    folder, imports = copy_project(place / "a project", config), place / "imports"
    imports.mkdir()
    environment = os.environ | warm_server() | {"RECORD_IMPORTS": str(imports)} | environment
    done = snakemake(folder, *targets, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def built(project_once):
    """Return a project in which everything is built, and by file the modules its job imported."""
    place = project_once("built", tiny_config(), "all", "speed")
    records = (place / "imports").iterdir()
    imports = {each.name: set(json.loads(each.read_text())) for each in records}
    return place / "a project", imports


OLDER = tuple(map(int, version("jaxlib").split(".")[:2])) < (0, 11)
EMITTERS = "xla_cpu_use_fusion_emitters" if OLDER else None
"""An option of XLA that costs time, where it can still be chosen."""

QUICK = {
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    + (f" --{EMITTERS}=false" if EMITTERS else "")
}
"""Has the jobs of a project compile in half the time."""


@pytest.fixture(scope="session")
def scored(project_once):
    """Return a project whose network is trained and whose samples are scored."""
    return project_once("scored", scored_config(), "all", "quality", **QUICK) / "a project"


@pytest.fixture
def copied(built, tmp_path):
    """Return a copy of the project in which everything is built."""
    folder = tmp_path / "a copy"
    shutil.copytree(built[0], folder, symlinks=True)
    return folder


def artifacts(folder, experiment="tiny"):
    """Return the bytes of every array and figure that a second build repeats."""
    place = folder / "results" / experiment
    files = [path for path in place.iterdir() if path.suffix in {".npz", ".png", ".gif"}]
    return {path.name: path.read_bytes() for path in files if path.name != "speed.png"}


@pytest.fixture
def project(tmp_path):
    """Return a copy of the project in a folder whose name has a space."""
    return copy_project(tmp_path / "a project")


def copy_project(folder, config=None):
    """Copy what a clone holds, with the tiny experiment as its config."""
    folder.mkdir(parents=True)
    for name in ("src", "scripts", "workflow", "profiles"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", folder)
    write_config(folder, config)
    return folder


def write_config(folder, config=None):
    """Write config.yaml, as JSON, which is YAML."""
    (folder / "config.yaml").write_text(json.dumps(config or tiny_config()))


def snakemake(folder, *arguments, **options):
    """Run Snakemake there and return the finished process, its output as text.

    It and its jobs are forks of a process that has imported what they need; with an `env` of its
    own, as `built` has, each starts from nothing.
    """
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", *arguments],
        cwd=folder,
        text=True,
        **{"env": os.environ | warm_server(), "capture_output": True} | options,
    )


@cache
def warm_server():
    """Start the process that Snakemake is forked from; return the variables that lead to it."""
    place, code = tempfile.mkdtemp(), ROOT / "tests" / "warm"
    server = subprocess.Popen(
        [sys.executable, code / "server.py", f"{place}/socket"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | DECIDING,
    )
    assert server.stdout.readline() == b"ready\n"

    @atexit.register
    def stop():
        server.communicate()
        shutil.rmtree(place)

    return {"PYTHONPATH": str(code), "WARM_SERVER": f"{place}/socket"}


def code_blocks(text, language):
    """Return what stands in a page's blocks of code of one language."""
    return re.findall(rf"```{re.escape(language)}\n(.*?)```", text, re.DOTALL)


def slow(*case):
    """Mark a case of a test that has a quicker one of its kind."""
    return pytest.param(*case, marks=pytest.mark.slow)


def some_quick(cases, quick):
    """Return all cases as parameters, those that `quick` does not choose marked as slow."""
    return [case if quick(case) else slow(case) for case in cases]


def nested(path, value):
    """Return {"section": {"key": value}} for the path `section.key`."""
    for part in reversed(path.split(".")):
        value = {part: value}
    return value


ONE_CHOICE = re.compile(r"model\.architecture|samples\.\w+\.(guidance|labels|edit)")
"""Settings with one value in the tiny experiment: there is one network, which knows no classes."""


def setting_paths():
    """Walk the schema: the path of every setting that can have another value."""
    return [path for path in leaves(Experiment().model_dump()) if not ONE_CHOICE.fullmatch(path)]


ALLOWED_WITH = dict.fromkeys(
    ("diffusion.path", "diffusion.zero_terminal_snr"), {"diffusion": {"prediction_type": "u"}}
)
"""What another value of a setting needs beside it."""


def changing(path):
    """Return an override of the tiny experiment in which a setting has another value."""
    return merge_sections(ALLOWED_WITH.get(path, {}), nested(path, another_value(path)))


def another_value(path):
    """Return a valid value of a setting of the tiny experiment, other than the one it has."""
    value = tiny_experiment().model_dump(mode="json")
    for part in path.split("."):
        value = value[part]
    words = (
        "linear cosine v trailing leading small large mnist-5k noise gray viridis crop pad "
        "ddim ddpm "
        "trained mse huber uniform logit_normal min_snr float32 bfloat16 elsewhere"
    ).split()
    match value:
        case bool():
            candidates = [not value]
        case int() | float():
            candidates = [value + 1, value - 1, 2 * value, value / 2, value + 0.5]
        case str() | None:
            candidates = [*(word for word in words if word != value), ["forward.png"], 3]
        case _:
            candidates = [value[:-1]]
            if isinstance(value[-1], int):
                candidates.append([*value[:-1], value[-1] + 1])
    for candidate in (candidate for candidate in candidates if candidate != value):
        try:
            tiny_experiment(merge_sections(ALLOWED_WITH.get(path, {}), nested(path, candidate)))
        except InputError:
            continue
        return candidate
    raise AssertionError(f"no other valid value was found for {path} = {value}")
