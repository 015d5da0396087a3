"""What the jobs of the workflow find in their environment. What the user has set stays."""

import os
import sys
from pathlib import Path

from sfumato.workflow.places import ROOT

DECIDING = {
    # Random bits are made in the one way that does not depend on how arrays are laid out.
    "JAX_THREEFRY_PARTITIONABLE": "true",
    # On a GPU, jobs multiply in full float32.
    "JAX_DEFAULT_MATMUL_PRECISION": "float32",
}
"""What decides a result: a change here reruns what jax computes."""
_DEFAULTS = DECIDING | {
    # Compiled programs are kept, so that a figure built again does not compile again.
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".cache" / "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    # On a GPU, jobs take the memory that they need and not three quarters of it.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}


def prepare_environment() -> None:
    """Let jobs run the Python that runs Snakemake, and find the library without an installation."""
    _prepend("PATH", Path(sys.executable).parent)
    _prepend("PYTHONPATH", ROOT / "src")
    for variable, value in _DEFAULTS.items():
        os.environ.setdefault(variable, value)


def _prepend(variable: str, path: Path) -> None:
    """Put a folder before those that an environment variable of paths names, once."""
    rest = os.environ.get(variable, "")
    if rest.split(os.pathsep)[0] != str(path):
        os.environ[variable] = f"{path}{os.pathsep}{rest}" if rest else str(path)
