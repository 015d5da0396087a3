"""To force a name, as `-f ddim_samples` does, is to force the files that it stands for."""

from typing import Any

from snakemake.iocontainers import Wildcards

from sfumato.workflow.hooks import before


def force_files_of_names(workflow: Any) -> None:  # noqa: ANN401
    """Let Snakemake force files, where it is told to force a name, when it is about to build.

    Args:
        workflow: Snakemake's, whose rules are all there.
    """

    def force(*_: Any, **__: Any) -> None:  # noqa: ANN401
        settings = workflow.dag_settings
        forced = set(settings.forcerun)
        if settings.forcetargets:
            forced |= set(settings.targets) or {"all"}
        names = [r for r in workflow.rules if r.name in forced and not (r.output or r.shellcmd)]
        files = {str(file) for rule in names for file in rule.expand_input(Wildcards())[0]}
        settings.forcerun = {*settings.forcerun, *files}

    if workflow.is_main_process:
        before(workflow, "execute", force)
