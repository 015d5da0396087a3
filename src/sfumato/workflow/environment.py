"""What jobs find in their environment: one table of all that could change a byte or break a job.

`VARIABLES` says what happens to each variable. The scripts see to it, in a process of their own
(`start_again_if_needed`), and so does the workflow before its jobs start, unless it is a module of
another one, whose rules may need what ours do not. The library, imported, leaves them alone.
"""

import getpass
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

from sfumato.progress import ANNOUNCE, TERMINAL
from sfumato.project import PACKAGE, cache
from sfumato.workflow.gpus import JOBS

DECIDING = {
    # Random bits are made in the one way that does not depend on how arrays are laid out.
    "JAX_THREEFRY_PARTITIONABLE": "true",
    # On a GPU, jobs multiply in full float32.
    "JAX_DEFAULT_MATMUL_PRECISION": "float32",
}
"""What decides a result: a change here reruns what jax computes."""
_DEFAULTS = DECIDING | {
    # Compiled programs are kept, so that a figure built again does not compile again.
    "JAX_COMPILATION_CACHE_DIR": str(cache() / "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    # On a GPU, jobs take the memory that they need and not three quarters of it.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
HOST_DEVICES = "--xla_force_host_platform_device_count"
"""The flag of XLA that divides a CPU into devices, which share each batch of a training."""
_RESTARTED = "_SFUMATO_RESTARTED"


class What(StrEnum):
    """What becomes of a variable."""

    RECORDED = "kept, and recorded"
    NEUTRAL = "kept: changes no byte"
    SET = "set by us"
    REMOVED = "taken away"


@dataclass(frozen=True)
class Variable:
    """A row of the table.

    Attributes:
        names: of variables, with `*` for any letters, parted by spaces.
        what: becomes of them.
        why: that, or what happens besides.
    """

    names: str
    what: What
    why: str

    def covers(self, name: str) -> bool:
        """Tell whether this row is about a variable."""
        return any(fnmatchcase(name, pattern) for pattern in self.names.split())


VARIABLES = (
    # jax and XLA
    Variable(
        "JAX_PLATFORMS JAX_PLATFORM_NAME CUDA_VISIBLE_DEVICES JAX_CUDA_VISIBLE_DEVICES "
        "JAX_ROCM_VISIBLE_DEVICES",
        What.RECORDED,
        "as the backend and the kind of device; if jax finds no such device, a sentence says so",
    ),
    Variable(
        "JAX_DEFAULT_MATMUL_PRECISION", What.RECORDED, "as `precision`; unset, jobs use `float32`"
    ),
    Variable("JAX_THREEFRY_PARTITIONABLE", What.SET, "to `true`; recorded, as `random`, besides"),
    Variable(
        "XLA_FLAGS",
        What.RECORDED,
        f"as `xla_flags`, without `{HOST_DEVICES}`, which is taken away",
    ),
    Variable(
        "JAX_COMPILATION_CACHE_DIR JAX_ENABLE_COMPILATION_CACHE JAX_COMPILATION_CACHE_MAX_SIZE "
        "JAX_PERSISTENT_CACHE_MIN_*",
        What.NEUTRAL,
        "compiled programs; unset, jobs keep them in `.cache/jax`",
    ),
    Variable(
        "JAX_DEBUG_NANS JAX_LOG_COMPILES JAX_EXPLAIN_CACHE_MISSES JAX_LOGGING_LEVEL "
        "JAX_DEBUG_LOG_MODULES JAX_TRACEBACK_FILTERING JAX_DUMP_IR_TO JAX_DUMP_IR_MODES",
        What.NEUTRAL,
        "alarms and messages for whoever looks for a fault",
    ),
    Variable(
        "JAX_* JAX2TF_* EAGER_CONSTANT_FOLDING CHECK_VMA MOCK_NUM_GPU_PROCESSES",
        What.REMOVED,
        "every other flag of jax: 64 bits, strict modes, offsets of seeds, devices of a CPU",
    ),
    Variable("FLAX_* NNX_*", What.REMOVED, "flags of flax, some of which change its layers"),
    Variable(
        "XLA_PYTHON_CLIENT_* XLA_CLIENT_MEM_FRACTION",
        What.NEUTRAL,
        "memory of a GPU; unset, jobs take only what they need",
    ),
    Variable(
        "NVIDIA_TF32_OVERRIDE CUBLAS_* CUDNN_* TF_CUDNN_* TF_ENABLE_* TF_XLA_FLAGS "
        "LIBTPU_INIT_ARGS",
        What.REMOVED,
        "settings of CUDA and of TensorFlow's parts of XLA that round differently, unrecorded",
    ),
    # Arrays on the host
    Variable(
        "NPY_* NUMPY_* SCIPY_* SKLEARN_* OPENBLAS_CORETYPE MKL_CBWR MKL_ENABLE_INSTRUCTIONS",
        What.REMOVED,
        "which kernels sum, and experiments of NumPy, SciPy and scikit-learn",
    ),
    Variable(
        "OMP_* OPENBLAS_* GOTO_* MKL_* VECLIB_MAXIMUM_THREADS NUMEXPR_*",
        What.NEUTRAL,
        "threads: Snakemake sets their number to the `threads` of a rule",
    ),
    # Figures
    Variable(
        "MPLBACKEND MATPLOTLIBRC",
        What.REMOVED,
        "figures are drawn by Agg with Matplotlib's built-in settings, whatever a `matplotlibrc` "
        "says",
    ),
    Variable("MPLCONFIGDIR XDG_*", What.NEUTRAL, "caches; a `matplotlibrc` there is not followed"),
    Variable("SOURCE_DATE_EPOCH TZ", What.NEUTRAL, "no artifact holds a time"),
    # Python and the shell
    Variable(
        "PYTHONWARNINGS PYTHONOPTIMIZE PYTHONINSPECT PYTHONIOENCODING PYTHONUTF8",
        What.REMOVED,
        "an `error` for a warning, no assertions, a prompt at the end, another encoding",
    ),
    Variable("PYTHONHASHSEED", What.NEUTRAL, "no order depends on it"),
    Variable("PYTHON*", What.NEUTRAL, "which Python runs; the versions that it finds are recorded"),
    Variable(
        f"{TERMINAL} {ANNOUNCE}",
        What.NEUTRAL,
        "the terminal on which jobs show how far they are, which the workflow sets; and whether "
        "they say there what they make, as `make figures` wants",
    ),
    Variable(
        JOBS,
        What.NEUTRAL,
        "set by the workflow where several jobs use GPUs at a time: each then sees a part of them",
    ),
    Variable("TQDM_*", What.REMOVED, "bars of progress in a log, and a mistake in one ends a job"),
    Variable(
        "LANG LANGUAGE LC_* COLUMNS LINES TERM NO_COLOR FORCE_COLOR",
        What.NEUTRAL,
        "words on a screen; files are UTF-8",
    ),
    Variable("HOME TMPDIR TEMP TMP", What.NEUTRAL, "jobs need none of them"),
)
"""What becomes of each variable; the first row that covers it counts, and others stay."""


def what_becomes_of(name: str) -> Variable | None:
    """Return the row of the table that covers a variable, None if it is no concern of ours."""
    return next((row for row in VARIABLES if row.covers(name)), None)


def cleaned(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment as jobs may see it: without what `VARIABLES` takes away."""
    kept = {}
    for name, value in environment.items():
        row = what_becomes_of(name)
        match row and row.what:
            case What.REMOVED:
                continue
            case What.SET:
                value = DECIDING[name]
            case _ if name == "XLA_FLAGS" and HOST_DEVICES in value:
                flags = value.split()
                value = " ".join(each for each in flags if not each.startswith(HOST_DEVICES))
        kept[name] = value
    return kept


def start_again_if_needed() -> None:
    """Start this process again, once, with a clean environment, unless it has one.

    What Python and jax read while they start and are imported cannot be taken back.
    """
    clean = cleaned(os.environ)
    if clean != dict(os.environ) and _RESTARTED not in os.environ:
        sys.stdout.flush()
        arguments = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, arguments, clean | {_RESTARTED: "1"})


def decide() -> None:
    """Let this process, which may have imported jax, compute as the jobs of the workflow do."""
    for name, value in DECIDING.items():
        if name not in os.environ:
            os.environ[name] = value
            if jax := sys.modules.get("jax"):
                jax.config.update(name.lower(), value == "true" or value)


def prepare_environment(ours_alone: bool = True) -> None:
    """Let jobs run the Python that runs Snakemake, and find the library without an installation.

    Args:
        ours_alone: whether all jobs are of this workflow, and what they do not need can go.
    """
    if ours_alone:
        clean = cleaned(os.environ)
        for name in set(os.environ) - set(clean):
            del os.environ[name]
        os.environ.update(clean)
    try:
        getpass.getuser()
    except (KeyError, OSError):  # of a container's user without a name; Snakemake's log has it
        os.environ["LOGNAME"] = str(os.getuid())
    _prepend("PATH", Path(sys.executable).parent)
    _prepend("PYTHONPATH", PACKAGE.parent)
    for variable, value in _DEFAULTS.items():
        os.environ.setdefault(variable, value)
    for variable in (TERMINAL, JOBS):  # of another machine, maybe
        os.environ.pop(variable, None)


def _prepend(variable: str, path: Path) -> None:
    """Put a folder before those that an environment variable of paths names, once."""
    rest = os.environ.get(variable, "")
    if rest.split(os.pathsep)[0] != str(path):
        os.environ[variable] = f"{path}{os.pathsep}{rest}" if rest else str(path)
