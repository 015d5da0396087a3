"""What a training run shows while it works. Nothing here can change a weight."""

import sys
from types import TracebackType
from typing import Self

from sfumato.progress import Progress


class TrainingBar:
    """A progress bar with loss, speed and time left."""

    def __init__(self, steps: int) -> None:
        """Begin at step 0 of `steps`."""
        self._steps = steps
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.__exit__(kind, error, traceback)

    def __call__(self, step: int, loss: float) -> None:
        """Show that `step` steps were taken; the first call says where the run begins."""
        if self._bar is None:
            if step:
                print(f"training goes on from step {step}", file=sys.stderr, flush=True)
            self._bar = Progress(self._steps, "train", "step", done=step)
        else:
            self._bar.update(step - self._bar.done, loss=loss)
