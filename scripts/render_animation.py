"""Animate the denoising trajectory.

python scripts/render_animation.py --config '{"render": {}}' \
    --arrays results/mine/trajectory.npz --output results/mine/trajectory.gif
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.figures.plotting import save_animation
from sfumato.figures.rendering import RenderSettings, load_for_figure
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "arrays", "output")
    settings = read_settings(RenderSettings, arguments.config)
    arrays, record = load_for_figure(
        __file__, settings, Path(arguments.arrays), "trajectory.npz", "frames", suffix=".gif"
    )
    save_animation(Path(arguments.output), arrays["frames"].read(), settings.render, record)


if __name__ == "__main__":
    main()
