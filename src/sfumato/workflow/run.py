"""What is done before the first job of a run, after its last one, and after a failure."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sfumato.config.experiment import Experiment
from sfumato.workflow.borrowed import Loan, borrowed, say_what_changed
from sfumato.workflow.meanwhile import codes_wanted, forget_results_of_other_code
from sfumato.workflow.places import check_results
from sfumato.workflow.session import (
    check_replaced,
    check_start,
    explain_failure,
    share_gpus,
    show_pictures,
    show_progress,
)


class Run:
    """A run of Snakemake, which calls these as its handlers `onstart`, `onsuccess` and `onerror`.

    Args:
        workflow: Snakemake's, whose graph of jobs is there once the run begins.
        experiments: all that the config has.
    """

    def __init__(self, workflow: Any, experiments: Mapping[str, Experiment]) -> None:  # noqa: ANN401
        """Keep both; nothing is looked at before `begin`."""
        self._workflow, self._experiments = workflow, experiments
        self._borrowed: dict[Loan, str] = {}
        self._codes: dict[str, str] = {}

    def begin(self) -> None:
        """Check what is in the way of the jobs, and note what must not change meanwhile.

        Raises:
            InputError: if something is in the way; nothing was deleted yet.
        """
        workflow, dag = self._workflow, self._workflow.dag
        check_start(workflow.non_local_exec)
        check_results(dag.needrun_jobs())
        check_replaced(dag.needrun_jobs())
        show_progress(workflow.output_settings.quiet, workflow.non_local_exec)
        if "gpu" in workflow.global_resources:
            share_gpus(workflow.global_resources["gpu"].value, workflow.non_local_exec)
        built = {dict(job.wildcards).get("experiment") for job in dag.jobs}
        readers = [name for name in self._experiments if name in built]
        self._borrowed = borrowed(self._experiments, readers)
        if not workflow.touch:
            self._codes = codes_wanted(dag.needrun_jobs())

    def succeed(self, show: bool) -> None:
        """Say what was made; the pictures, too, if they are to be shown."""
        self._look_back()
        if show:
            show_pictures(self._made())

    def fail(self) -> None:
        """Say what failed."""
        self._look_back()
        failed = getattr(self._workflow.scheduler, "failed", ())
        explain_failure(
            (log for job in failed for log in job.log), self._workflow.output_settings.quiet
        )

    def _look_back(self) -> None:
        """See to what changed while the jobs ran: checkpoints that others read, and code."""
        say_what_changed(self._borrowed)
        forget_results_of_other_code(
            self._codes, self._workflow.dag.finished_jobs, self._workflow.persistence
        )

    def _made(self) -> Iterator[str]:
        """Yield the files of finished jobs that are there: verify takes its own away."""
        dag = self._workflow.dag
        for job in filter(dag.finished, dag.jobs):
            yield from (str(file) for file in job.output if Path(file).exists())
