"""Where the workflow is that belongs to this library: around it in a clone, within it in a wheel.

`SNAKEFILE` is what `snakemake -s` takes, and `snakefile:` of a module of another workflow.
"""

from pathlib import Path
from shlex import quote

PACKAGE = Path(__file__).resolve().parent
_PACKED = PACKAGE / "project"
PROJECT = _PACKED if _PACKED.is_dir() else PACKAGE.parents[1]
"""The folder of `workflow/`, `scripts/`, `resources/` and config.yaml."""


PRETRAINED = Path("resources") / "pretrained"
"""The checkpoints that come with the library, below PROJECT."""


def cache(project: Path = PROJECT) -> Path:
    """Return where what is downloaded and compiled is kept.

    In a clone that is beside the workflow; of a wheel, in the working directory.
    """
    return (Path.cwd() if project == _PACKED else project) / ".cache"


def how_to_call(program: str, *words: str) -> str:
    """Return the command that calls the workflow, or a script, from a clone or of a wheel.

    Args:
        program: `snakemake`, or the name of a script, `explain.py`.
        words: its arguments.
    """
    packed = PROJECT == _PACKED
    if program == "snakemake":
        called = f'snakemake -s "{_printed("SNAKEFILE")}"' if packed else "snakemake"
    else:
        place = f"scripts/{program}"
        called = f'python "{_printed("PROJECT")}/{place}"' if packed else f"python {place}"
    return " ".join([called, *map(quote, words)])


def _printed(name: str) -> str:
    """Return what a shell replaces by a path of this module."""
    return f"$(python -c 'from sfumato.project import {name}; print({name})')"


SNAKEFILE = str(PROJECT / "workflow" / "Snakefile")
