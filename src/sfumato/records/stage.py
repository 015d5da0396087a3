"""What a stage of the workflow is: said once, for its rule, its script and its provenance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfumato.config.fields import Section

COMPUTING = ("numpy", "jax", "jaxlib", "flax", "orbax-checkpoint")
TRAINING = (*COMPUTING, "optax")
EVALUATING = (*TRAINING, "scipy", "scikit-learn")
LOADING = ("numpy", "mlxtend", "pillow", "jax")
DRAWING = ("numpy", "matplotlib", "pillow")
"""The packages whose versions count for results of different kinds."""


def _no_files(_: Any) -> Sequence[Path]:  # noqa: ANN401
    return ()


@dataclass(frozen=True)
class Stage:
    """A step from inputs to a result.

    Attributes:
        name: of the stage, and of its script.
        settings: all that it reads of the config.
        packages: whose versions count for its result.
        after: the stages whose results it reads, or a function of the experiment that names them.
        stream: the number of its random stream, which never changes; -1 where nothing is random.
        reads: the files outside the results whose content counts, of an experiment.
        view: what one of its jobs sees of the experiment, where it is not the entry or run that
            its file names; see `config/narrowing.py`.
    """

    name: str
    settings: type[Section] | None = None
    packages: tuple[str, ...] = ()
    after: tuple[str, ...] | Callable[[Any], tuple[str, ...]] = ()
    stream: int = -1
    reads: Callable[[Any], Sequence[Path]] = _no_files
    view: Callable[[Any, Any], Any] | None = None

    @property
    def script(self) -> str:
        """The file in `scripts/` that runs it."""
        return f"{self.name}.py"

    @property
    def modules(self) -> tuple[str, ...]:
        """What the script imports by a name that it is given, besides what the settings name."""
        return ()

    def before(self, experiment: Any) -> tuple[str, ...]:  # noqa: ANN401
        """Return the names of the stages whose results it reads in an experiment."""
        return self.after(experiment) if callable(self.after) else self.after
