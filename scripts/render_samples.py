"""Draw a grid of samples.

python scripts/render_samples.py --sampler ddim --config '{"render": {}}' \
    --arrays results/mine/ddim_samples.npz --output results/mine/ddim_samples.png
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.command_line import command, parse
from sfumato.config.settings import read_settings
from sfumato.plotting import image_grid, save_figure
from sfumato.rendering import RenderSettings, load_for_figure


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "sampler", "arrays", "output")
    settings = read_settings(RenderSettings, arguments.config)
    arrays, record = load_for_figure(
        __file__, settings, Path(arguments.arrays), "images", "timesteps"
    )
    images, steps = arrays["images"], len(arrays["timesteps"])
    heading = f"{arguments.sampler.upper()}, {steps} steps"
    figure = image_grid(images, heading, settings.render)
    save_figure(Path(arguments.output), figure, settings.render, record)


if __name__ == "__main__":
    main()
