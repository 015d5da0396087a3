"""Results that Snakemake marks as incomplete since it was killed, and whose job was not.

Jobs write aside, and their results take their places when they are whole. So a mark tells of no
result that is there, and what hours have made stands, if it is what the config asks for.
"""

from pathlib import Path
from typing import Any

from sfumato.errors import InputError
from sfumato.records.opening import open_record
from sfumato.workflow.hooks import before
from sfumato.workflow.plan import Making
from sfumato.workflow.standing import Job, Standing


def overlook_markers(workflow: Any, standing: Standing) -> None:  # noqa: ANN401
    """Let whole results stand, when Snakemake asks which files are incomplete.

    Args:
        workflow: Snakemake's, whose rules are all there.
        standing: what it knows of the files.
    """

    def overlook() -> None:
        marked = workflow.persistence.incomplete

        async def incomplete(job: Any) -> list[Any]:  # noqa: ANN401
            files = await marked(job)
            if not (files and Making.of(job.rule) and _is_whole(job, standing)):
                return files
            if workflow.executor_plugin and not workflow.dryrun:  # not for a report, or a graph
                for file in files:
                    workflow.persistence.cleanup_metadata(file)
            return []

        workflow.persistence.incomplete = incomplete

    if workflow.is_main_process:
        before(workflow, "_build_dag", overlook)


def _is_whole(job: Any, standing: Standing) -> bool:  # noqa: ANN401
    """Tell whether all results of a job are there, as the config asks for, to the last byte."""
    if not standing.all_stand(Job(job.rule, dict(job.wildcards))):
        return False
    try:
        for path in map(Path, job.output):
            if path.suffix != ".md":  # a table has no record, and was compared with its scores
                open_record(path).check()
    except InputError:
        return False
    return True
