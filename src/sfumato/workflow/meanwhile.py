"""Code that is edited while a run goes on.

Snakemake looks at it before the first job, and a job when it starts; so Snakemake would have on
record that a result was made by the code before the edit, and find it up to date once the edit is
taken back.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from snakemake.iocontainers import Wildcards
from snakemake.logging import logger

from sfumato.errors import InputError
from sfumato.records.opening import open_record
from sfumato.workflow.plan import Making


def codes_wanted(jobs: Iterable[Any]) -> dict[str, str]:
    """Return, by the path of each result that jobs will write, the digest of the code it is of."""
    made = {job: making for job in jobs if (making := Making.of(job.rule))}
    return {
        str(file): making.wanted(Wildcards(fromdict=dict(job.wildcards))).code
        for job, making in made.items()
        for file in job.output
    }


def forget_results_of_other_code(
    codes: Mapping[str, str],
    jobs: Iterable[Any],
    persistence: Any,  # noqa: ANN401
) -> None:
    """Take out of Snakemake's records what other code made than it looked at.

    The next run then goes by what these files say of themselves, see `standing`.

    Args:
        codes: what `codes_wanted` returned before the first job.
        jobs: of Snakemake, those that are done.
        persistence: Snakemake's records.
    """
    for file in (file for job in jobs for file in job.output if str(file) in codes):
        with suppress(InputError):  # a table, which holds no record
            if open_record(Path(file)).record.code != codes[file]:
                persistence.cleanup_metadata(file)
                logger.info(f"{file}: its code was edited while the run went on")
