"""Code that is edited while a run goes on.

Snakemake looks at it before the first job, and a job when it starts; so Snakemake would have on
record that a result was made by the code before the edit, and find it up to date once the edit is
taken back.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from snakemake.iocontainers import Wildcards
from snakemake.logging import logger

from sfumato.errors import InputError
from sfumato.records.opening import open_record
from sfumato.workflow.plan import Making


def forget_results_of_other_code(jobs: Iterable[Any], persistence: Any) -> None:  # noqa: ANN401
    """Take out of Snakemake's records what other code made than it looked at.

    The next run then goes by what these files say of themselves, see `standing`.

    Args:
        jobs: of Snakemake, those that are done.
        persistence: Snakemake's records.
    """
    for job in jobs:
        if not (made := Making.of(job.rule)):
            continue
        expected = made.wanted(Wildcards(fromdict=dict(job.wildcards))).code
        for file in job.output:
            with suppress(InputError):  # a table, which holds no record
                if open_record(Path(file)).record.code != expected:
                    persistence.cleanup_metadata(file)
                    logger.info(f"{file}: its code was edited while the run went on")
