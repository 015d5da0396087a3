"""What a training run shows while it works. Nothing here can change a weight."""

from types import TracebackType
from typing import Self

from tqdm import tqdm


class TrainingBar:
    """A progress bar with loss, speed and time left, on stderr."""

    def __init__(self, steps: int) -> None:
        """Begin at step 0 of `steps`."""
        self._steps = steps
        self._bar: tqdm | None = None

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
            self._bar.close()

    def __call__(self, step: int, loss: float) -> None:
        """Show that `step` steps were taken; the first call says where the run begins."""
        if self._bar is None:
            self._bar = tqdm(total=self._steps, initial=step, desc="train", unit="step")
        else:
            self._bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            self._bar.update(step - self._bar.n)
