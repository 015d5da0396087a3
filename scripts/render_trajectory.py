"""Draw the denoising trajectory: states of the chain, and the prediction of x_0 from each.

python scripts/render_trajectory.py --config '{"render": {}}' \
    --arrays results/mine/trajectory.npz --output results/mine/trajectory.png
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.figures.plotting import image_rows, save_figure, time_label
from sfumato.figures.rendering import RenderSettings, load_for_figure
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "arrays", "output")
    settings = read_settings(RenderSettings, arguments.config)
    names = ("images", "timesteps", "predicted_x_0")
    stored, record = load_for_figure(
        __file__, settings, Path(arguments.arrays), "trajectory.npz", *names
    )
    arrays = {name: stored[name].read() for name in names}
    rows = {"$x_t$": arrays["images"], r"predicted $x_0$": arrays["predicted_x_0"]}
    titles = [time_label(t) for t in arrays["timesteps"]]
    heading = "Denoising trajectory: DDPM sample 0"
    figure = image_rows(rows, titles, heading, settings.render)
    save_figure(Path(arguments.output), figure, settings.render, record)


if __name__ == "__main__":
    main()
