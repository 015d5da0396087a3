"""Draw loss, learning rate and gradient norm of a training run.

python scripts/render_training.py --config '{"render": {}}' \
    --history results/mine/history.csv --output results/mine/training.png
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.figures.plotting import save_figure, training_curves
from sfumato.figures.rendering import RenderSettings
from sfumato.records.arrays import digest
from sfumato.records.history import load_history
from sfumato.records.provenance import DRAWING, provenance
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings

SHOWN = ("step", "loss", "learning_rate", "gradient_norm")


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "history", "output")
    settings = read_settings(RenderSettings, arguments.config)
    history, origin = load_history(Path(arguments.history), *SHOWN)
    inputs = {"history": {"digest": digest(history), "provenance": origin}}
    record = provenance(__file__, "training.png", settings, packages=DRAWING, inputs=inputs)
    save_figure(Path(arguments.output), training_curves(history), settings.render, record)


if __name__ == "__main__":
    main()
