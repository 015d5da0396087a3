"""What the user's environment holds changes no byte of an artifact and breaks no job."""

import getpass
import json
import os
import re
import subprocess
import sys

import jax
import pytest
from conftest import ROOT, slow

from sfumato.compute import backend
from sfumato.records.opening import open_record
from sfumato.workflow import environment
from sfumato.workflow.command_line import command
from sfumato.workflow.environment import DECIDING, VARIABLES, What, cleaned, what_becomes_of

DEVICES = "--xla_force_host_platform_device_count"
STRANGE = {
    "JAX_ENABLE_X64": "1",
    "JAX_RANDOM_SEED_OFFSET": "7",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_DEBUG_KEY_REUSE": "1",
    "JAX_DEBUG_INFS": "1",
    "JAX_DEBUG_NANS": "1",
    "JAX_DISABLE_JIT": "1",
    "JAX_CHECK_TRACER_LEAKS": "1",
    "JAX_TRANSFER_GUARD": "disallow",
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_THREEFRY_PARTITIONABLE": "false",
    "JAX_ENABLE_CHECKS": "1",
    "JAX_NUM_CPU_DEVICES": "3",
    "JAX_LOG_COMPILES": "1",
    "JAX_COMPILATION_CACHE_DIR": "/proc/no/such/folder",
    "XLA_FLAGS": f"{DEVICES}=3",
    "FLAX_ALWAYS_SHARD_VARIABLE": "false",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MATPLOTLIBRC": "/no/such/file",
    "NPY_PROMOTION_STATE": "legacy",
    "SCIPY_ARRAY_API": "1",
    "PYTHONHASHSEED": "5",
    "PYTHONOPTIMIZE": "2",
    "PYTHONINSPECT": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONIOENCODING": "ascii",
    "PYTHONUTF8": "0",
    "PYTHONSTARTUP": "/no/such/file",
    "PYTHONDEVMODE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "LC_ALL": "tr_TR.UTF-8",
    "LANG": "C",
    "TZ": "Pacific/Kiritimati",
    "SOURCE_DATE_EPOCH": "123456789",
    "TMPDIR": "/no/such/folder",
    "HOME": "/no/such/folder",
    "XDG_CACHE_HOME": "/no/such/folder",
    "COLUMNS": "7",
    "NO_COLOR": "1",
}
STYLE = """
savefig.bbox: tight
savefig.transparent: True
figure.facecolor: "#222222"
figure.dpi: 31
text.color: white
text.usetex: True
font.family: serif
axes.unicode_minus: False
image.interpolation: bilinear
"""


@pytest.fixture(scope="module")
def place(built):
    return built[0] / "results" / "tiny"


def run(name, place, folder, environment, cwd=None):
    """Make an artifact again in a process of its own, and return how it went and its bytes."""
    config = json.dumps(open_record(place / name).record.settings)
    output = folder / name
    words = {
        "ddim_samples.npz": ["sample.py", "--checkpoint", place / "checkpoint"]
        + ["--timing", folder / "timing.json"],
        "ddim_samples.png": ["render.py", "samples", "--inputs", place / "ddim_samples.npz"],
        "trajectory.png": ["render.py", "trajectory", "--inputs", place / "trajectory.npz"],
        "forward.png": ["render.py", "forward", "--inputs", place / "forward.npz"],
    }[name]
    project = place.parents[1]
    script, *arguments = [str(word) for word in words]
    done = subprocess.run(
        [sys.executable, project / "scripts" / script, *arguments]
        + ["--config", config, "--output", output],
        env={**os.environ, **DECIDING, "PYTHONPATH": str(project / "src"), **environment},
        cwd=cwd or folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return output.read_bytes()


@pytest.mark.parametrize("names", [tuple(STRANGE), *(slow((name,)) for name in STRANGE)])
def test_no_variable_changes_a_sample_or_breaks_its_job(place, tmp_path, names):
    made = run("ddim_samples.npz", place, tmp_path, {name: STRANGE[name] for name in names})
    assert made == (place / "ddim_samples.npz").read_bytes()


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("trajectory.png", "all"),
        slow("forward.png", "MPLCONFIGDIR"),
        slow("ddim_samples.png", "MATPLOTLIBRC"),
        slow("forward.png", "here"),
    ],
)
def test_no_matplotlibrc_changes_a_figure(place, tmp_path, name, where):
    """In the working directory, in MPLCONFIGDIR or named by MATPLOTLIBRC; with a notebook's."""
    (tmp_path / "matplotlibrc").write_text(STYLE)
    (tmp_path / "elsewhere").mkdir()
    variables = {
        "MPLCONFIGDIR": str(tmp_path),
        "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    if where != "all":
        variables = {key: value for key, value in variables.items() if key == where}
    cwd = tmp_path if where in ("all", "here") else tmp_path / "elsewhere"
    assert run(name, place, tmp_path, variables, cwd) == (place / name).read_bytes()


def test_every_flag_of_jax_is_in_the_table():
    rows = {name: what_becomes_of(name.upper()) for name in jax.config.values}
    assert len(rows) > 100 and not [name for name, row in rows.items() if row is None]


def test_what_a_clean_environment_holds():
    kept = {"PATH": "/bin", "JAX_PLATFORMS": "cpu", "JAX_LOG_COMPILES": "1", "SFUMATO": "1"}
    gone = {"JAX_ENABLE_X64": "1", "MPLBACKEND": "x", "PYTHONWARNINGS": "error", "FLAX_A": "1"}
    gone["TQDM_NCOLS"] = "many"
    assert cleaned(kept | gone) == kept
    assert cleaned({"JAX_THREEFRY_PARTITIONABLE": "0"}) == {"JAX_THREEFRY_PARTITIONABLE": "true"}
    assert cleaned({"XLA_FLAGS": f"--a=1 {DEVICES}=3 --b"}) == {"XLA_FLAGS": "--a=1 --b"}
    strange = cleaned(STRANGE)
    assert cleaned(strange) == strange


def test_the_workflow_cleans_the_environment_unless_its_jobs_are_not_alone(monkeypatch):
    for ours_alone in (False, True):
        monkeypatch.setattr(os, "environ", {"JAX_ENABLE_X64": "1", "PATH": "/bin"})
        environment.prepare_environment(ours_alone)
        assert ("JAX_ENABLE_X64" in os.environ) is not ours_alone
        before = dict(os.environ)
        assert cleaned(before) == before or not ours_alone


def test_a_user_without_a_name_can_run_the_workflow(monkeypatch):
    """As in a container, with a number that is in no table of users: Snakemake asks for a name."""

    def unknown(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setattr(os, "environ", {"PATH": "/bin"})
    environment.prepare_environment()
    assert os.environ["LOGNAME"] == str(os.getuid()) == getpass.getuser()
    monkeypatch.setattr(os, "environ", {"PATH": "/bin", "USER": "me"})
    environment.prepare_environment()
    assert "LOGNAME" not in os.environ


def test_the_docs_hold_the_table():
    """One line for each row, in its order."""
    text = (ROOT / "docs" / "environment.md").read_text()
    expected = [
        f"| {' '.join(f'`{name}`' for name in row.names.split())} | {row.what} | {row.why} |"
        for row in VARIABLES
    ]
    assert [line for line in text.splitlines() if re.match(r"\| `", line)] == expected
    assert {row.what for row in VARIABLES} == set(What)


# What jax computes on


def test_flags_of_xla_that_could_matter_are_recorded_without_paths(monkeypatch, tmp_path):
    flags = f"--xla_b=2 {DEVICES}=3 --xla_a --xla_dump_to=/home/me --xla_c=/home/me"
    (tmp_path / "flags").write_text(flags)
    jax.default_backend()  # XLA has read its flags by now, and does not see those below
    for text in (flags, str(tmp_path / "flags")):
        monkeypatch.setenv("XLA_FLAGS", text)
        assert backend.describe()["xla_flags"] == "--xla_a --xla_b=2 --xla_c"
    for text in (f"{DEVICES}=3", "", str(tmp_path / "none")):
        monkeypatch.setenv("XLA_FLAGS", text)
        assert "xla_flags" not in backend.describe()


@pytest.mark.parametrize("error", [AssertionError(), RuntimeError("no")])
def test_a_device_that_is_not_there_gets_a_sentence(monkeypatch, error):
    def fail(*_):
        raise error

    main = command(fail)
    with pytest.raises(type(error)):  # jax has a device: the error is another one
        main([])
    monkeypatch.setattr(jax, "default_backend", fail)
    with pytest.raises(SystemExit) as caught:
        main([])
    asked, reason = jax.config.jax_platforms or "", f": {error}" if str(error) else ""
    assert caught.value.code == (
        f"error: JAX_PLATFORMS={asked}: jax finds no such device{reason}; unset JAX_PLATFORMS, or "
        "set it to cpu"
    )


BY_HAND = """
import jax
from sfumato.workflow.command_line import command

@command
def main(argv=None):
    print(jax.config.jax_default_matmul_precision, jax.config.jax_threefry_partitionable)

main()
"""


@pytest.mark.parametrize("own", [{}, {"JAX_DEFAULT_MATMUL_PRECISION": "bfloat16"}])
def test_by_hand_a_script_computes_as_in_the_workflow(own):
    """What is printed by `snakemake -n -p` may be called on another machine."""
    variables = {name: value for name, value in os.environ.items() if name not in DECIDING} | own
    done = subprocess.run(
        [sys.executable, "-c", BY_HAND], env=variables, check=True, capture_output=True, text=True
    )
    assert done.stdout == f"{own.get('JAX_DEFAULT_MATMUL_PRECISION', 'float32')} True\n"
