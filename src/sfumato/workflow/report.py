"""Snakemake's report shows figures as they are; this says which the config asks for otherwise."""

import os
from collections.abc import Iterable
from typing import Any

from sfumato.records.finding import PICTURES
from sfumato.workflow.hooks import after, before
from sfumato.workflow.targets import say


def watch_report(workflow: Any) -> None:  # noqa: ANN401
    """Look at the figures when a report of them is written.

    Args:
        workflow: Snakemake's, whose rules are all there.
    """

    def look() -> None:
        say(_out_of_date(workflow.dag.needrun_jobs()))

    def begin(*_: Any, **__: Any) -> None:  # noqa: ANN401
        after(workflow, "_build_dag", look)

    before(workflow, "create_report", begin)


def _out_of_date(jobs: Iterable[Any]) -> list[str]:
    """Say which figures that are there would be made again."""
    files = sorted(str(file) for job in jobs for file in job.output)
    old = [file for file in files if file.endswith(PICTURES) and os.path.isfile(file)]
    if not old:
        return []
    more = f" and {len(old) - 1} more are" if len(old) > 1 else " is"
    return [
        f"{old[0]}{more} out of date, since settings, code or inputs are others now; the report "
        "shows what is there: build the same targets first"
    ]
