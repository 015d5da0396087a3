"""Where the workflow is that belongs to this library: around it in a clone, within it in a wheel.

`SNAKEFILE` is what `snakemake -s` takes, and `snakefile:` of a module of another workflow.
"""

from pathlib import Path

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


SNAKEFILE = str(PROJECT / "workflow" / "Snakefile")
