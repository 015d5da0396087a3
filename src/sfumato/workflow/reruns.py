"""What makes a job rerun besides its settings: one text, which Snakemake compares."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from sfumato.config.canonical import canonical
from sfumato.config.narrowing import narrowed
from sfumato.errors import InputError
from sfumato.records.code import code_of
from sfumato.records.provenance import versions
from sfumato.records.stage import Stage
from sfumato.workflow.data_files import facts_of
from sfumato.workflow.environment import DECIDING
from sfumato.workflow.lookup import stage as stage_named
from sfumato.workflow.picking import settings_of


def making(stage: Stage, experiment: Any) -> str:  # noqa: ANN401
    """Return how a stage makes its result, and how all that it reads was made.

    The text holds the meaning of the code, the versions, the defaults of jax that decide a result,
    the content of the files that the stage reads, and a digest of the same, with the settings, of
    each stage before it. Without that digest a job that fails, and so takes its old result away,
    would leave figures that look current.
    """
    settings = settings_of(stage, experiment)
    return canonical(
        {
            "code": code_of(stage, settings),
            "versions": versions(stage.packages),
            "environment": DECIDING if "jax" in stage.packages else {},
            "files": [_file_digest(path) for path in stage.reads(experiment)],
            "after": {
                name: _digest_of(stage_named(name), experiment) for name in stage.before(experiment)
            },
        }
    )


def seen_by(stage: Stage, experiment: Any, wildcards: Any) -> Any:  # noqa: ANN401
    """Return the experiment as a job of a stage sees it; without wildcards, as all of them do."""
    seen = (stage.view or narrowed)(experiment, wildcards)
    return _indexed(seen) if "forward" in getattr(stage.settings, "model_fields", ()) else seen


def _indexed(experiment: Any) -> Any:  # noqa: ANN401
    """Say which image is noised where the config does not, and a folder says how many there are."""
    forward, data = experiment.forward, experiment.data
    if forward.index is not None:
        return experiment
    n_test = data.filled(facts_of(data).count).n_test
    return experiment.model_copy(update={"forward": forward.filled(n_test)})


def _digest_of(stage: Stage, experiment: Any) -> str:  # noqa: ANN401
    experiment = seen_by(stage, experiment, None)
    settings = settings_of(stage, experiment)
    text = canonical([canonical(settings), making(stage, experiment)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# Files do not change while the job graph is built.
@cache
def _file_digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
