"""Where the workflow is that belongs to this library: around it in a clone, within it in a wheel.

`SNAKEFILE` is what `snakemake -s` takes, and `snakefile:` of a module of another workflow.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
_PACKED = PACKAGE / "project"
PROJECT = _PACKED if _PACKED.is_dir() else PACKAGE.parents[1]
"""The folder of `workflow/`, `scripts/`, `resources/` and config.yaml."""
CACHE = (Path.cwd() if PROJECT == _PACKED else PROJECT) / ".cache"
"""Where what is downloaded and compiled is kept: in a clone; else in the working directory."""
SNAKEFILE = str(PROJECT / "workflow" / "Snakefile")
