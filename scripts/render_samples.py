"""Draw a grid of samples.

python scripts/render_samples.py --config '{"render": {}}' \
    --arrays results/mine/ddim_samples.npz --output results/mine/ddim_samples.png
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.figures.plotting import image_grid, save_figure
from sfumato.figures.rendering import RenderSettings, load_for_figure
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "arrays", "output")
    settings = read_settings(RenderSettings, arguments.config)
    path = Path(arguments.arrays)
    arrays, record = load_for_figure(
        __file__, settings, path, "_samples.npz", "images", "timesteps"
    )
    sampler = record["artifact"].removesuffix("_samples.png")
    images, steps = arrays["images"], arrays["timesteps"].shape[0]
    figure = image_grid(
        images.read(settings.render.max_panels),
        f"{sampler.upper()}, {steps} steps",
        settings.render,
        n_samples=images.shape[0],
    )
    save_figure(Path(arguments.output), figure, settings.render, record)


if __name__ == "__main__":
    main()
