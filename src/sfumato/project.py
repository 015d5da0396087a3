"""Where the workflow is that belongs to this library: around it in a clone, within it in a wheel.

`SNAKEFILE` is what `snakemake -s` takes, and `snakefile:` of a module of another workflow.
"""

import os
from pathlib import Path
from shlex import quote

PACKAGE = Path(__file__).resolve().parent
_PACKED = PACKAGE / "project"
PROJECT = _PACKED if _PACKED.is_dir() else PACKAGE.parents[1]
"""The folder of `workflow/`, `scripts/`, `resources/` and config.yaml."""

SNAKEFILE = str(PROJECT / "workflow" / "Snakefile")
PRETRAINED = Path("resources") / "pretrained"
"""The checkpoints that come with the library, below PROJECT."""


def cache(project: Path = PROJECT) -> Path:
    """Return where what is downloaded and compiled is kept.

    In a clone that is beside the workflow; of a wheel, in the working directory.
    """
    return (Path.cwd() if project == _PACKED else project) / ".cache"


def how_to_call(program: str, *words: str | Path) -> str:
    """Return the command that calls the workflow, or a script, from a clone or of a wheel.

    It is one for the working directory: where that is not the clone, it says where the clone is.

    Args:
        program: `snakemake`, or the name of a script, `explain.py`.
        words: its arguments; a path is never read as an option, whatever its name begins with.
    """
    packed = PROJECT == _PACKED
    if program == "snakemake":
        place = f'"{_printed("SNAKEFILE")}"' if packed else _from_here(SNAKEFILE)
        called = "snakemake" if Path.cwd() == PROJECT else f"snakemake -s {place}"
    else:
        script = f"scripts/{program}"
        place = f'"{_printed("PROJECT")}/{script}"' if packed else _from_here(PROJECT / script)
        called = f"python {place}"
    return " ".join([called, *map(_word, words)])


def _word(word: str | Path) -> str:
    if isinstance(word, Path):
        word = word.as_posix()
        word = f"./{word}" if word.startswith("-") else word
    return quote(word)


def _from_here(path: str | Path) -> str:
    return quote(os.path.relpath(path))


def _printed(name: str) -> str:
    """Return what a shell replaces by a path of this module."""
    return f"$(python -c 'from sfumato.project import {name}; print({name})')"
