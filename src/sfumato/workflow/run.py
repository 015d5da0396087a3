"""What is checked and noted before the first job of a run, and looked at after the last.

It hooks into Snakemake, which calls the handlers of no module, nor any with `--no-hooks`; there,
too, no file of the user may be deleted.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from sfumato.config.experiment import Experiment
from sfumato.workflow.borrowed import Loan, borrowed, say_what_changed
from sfumato.workflow.hooks import after, at_the_end
from sfumato.workflow.meanwhile import codes_wanted, forget_results_of_other_code
from sfumato.workflow.mistakes import in_a_sentence
from sfumato.workflow.places import check_results
from sfumato.workflow.session import check_replaced, check_start, share_gpus


class Run:
    """A run of Snakemake, as far as it makes results of this workflow.

    Args:
        workflow: Snakemake's, whose rules are all there.
        rules: those of this workflow, or of this module.
        experiments: all that the config has.
    """

    def __init__(
        self,
        workflow: Any,  # noqa: ANN401
        rules: Collection[Any],
        experiments: Mapping[str, Experiment],
    ) -> None:
        """Keep all three; nothing is looked at before Snakemake has its graph of jobs."""
        self._workflow, self._rules, self._experiments = workflow, rules, experiments
        self._borrowed: dict[Loan, str] = {}
        self._codes: dict[str, str] = {}

    def watch(self) -> None:
        """Hook into Snakemake."""
        if self._workflow.is_main_process:
            after(self._workflow, "_build_dag", in_a_sentence(self._begin))
            at_the_end(self._workflow, "execute", self._look_back)

    def _begin(self) -> None:
        """Check what is in the way of the jobs, and note what must not change meanwhile.

        Raises:
            InputError: if something is in the way; nothing was deleted yet.
        """
        workflow = self._workflow
        if not workflow.executor_plugin or workflow.dryrun:  # nor for a report, or a graph
            return
        jobs = [job for job in workflow.dag.needrun_jobs() if job.rule in self._rules]
        check_start(workflow.non_local_exec)
        check_results(jobs)
        check_replaced(jobs)
        if "gpu" in workflow.global_resources:
            share_gpus(workflow.global_resources["gpu"].value, workflow.non_local_exec)
        built = {dict(job.wildcards).get("experiment") for job in workflow.dag.jobs}
        readers = [name for name in self._experiments if name in built]
        self._borrowed = borrowed(self._experiments, readers)
        if not workflow.touch:
            self._codes = codes_wanted(jobs)

    def _look_back(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """See to what changed while the jobs ran: checkpoints that others read, and code."""
        say_what_changed(self._borrowed)
        if self._codes:
            forget_results_of_other_code(
                self._codes, self._workflow.dag.finished_jobs, self._workflow.persistence
            )


def files_made(workflow: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the files of finished jobs that are there: verify takes its own away."""
    for job in filter(workflow.dag.finished, workflow.dag.jobs):
        yield from (str(file) for file in job.output if Path(file).exists())


def logs_of_failed(workflow: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the logs of the jobs that failed."""
    for job in getattr(workflow.scheduler, "failed", ()):
        yield from job.log
