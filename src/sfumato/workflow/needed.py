"""Which packages the workflow needs beside Snakemake; this file needs none of them."""

from importlib.util import find_spec

PACKAGES = ("numpy", "PIL", "pydantic", "yaml")
"""What is imported while the job graph is built; jobs need more, and are installed with these."""


def missing() -> str:
    """Return a sentence if packages are missing, or nothing."""
    absent = [name for name in PACKAGES if find_spec(name) is None]
    if not absent:
        return ""
    return (
        f"sfumato: not installed here: {', '.join(absent)}; install what the workflow "
        "needs, by `make setup`, or from requirements.lock"
    )
