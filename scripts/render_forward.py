"""Draw the forward diffusion of one image.

python scripts/render_forward.py --config '{"render": {}}' \
    --arrays results/mine/forward.npz --output results/mine/forward.png
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sfumato.figures.plotting import image_rows, save_figure, time_label
from sfumato.figures.rendering import RenderSettings, load_for_figure
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "arrays", "output")
    settings = read_settings(RenderSettings, arguments.config)
    names = ("images", "timesteps", "x_0", "alpha_bar")
    stored, record = load_for_figure(
        __file__, settings, Path(arguments.arrays), "forward.npz", *names
    )
    arrays = {name: stored[name].read() for name in names}
    titles = ["$x_0$"] + [
        f"{time_label(t)}\n" + rf"$\bar\alpha_t$ = {alpha_bar:.4g}"
        for t, alpha_bar in zip(arrays["timesteps"], arrays["alpha_bar"], strict=True)
    ]
    images = np.concatenate([arrays["x_0"][None], arrays["images"]])
    heading = (
        r"Forward diffusion: $x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\epsilon$"
    )
    figure = image_rows({"": images}, titles, heading, settings.render)
    save_figure(Path(arguments.output), figure, settings.render, record)


if __name__ == "__main__":
    main()
