"""Draw the measured speed of DDPM and DDIM.

python scripts/render_speed.py --config '{"render": {}}' \
    --speed results/mine/speed.json --output results/mine/speed.png
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.figures.plotting import save_figure, speed_bars
from sfumato.figures.rendering import RenderSettings
from sfumato.records.provenance import DRAWING, provenance
from sfumato.sampling.timing import Speed, load_json, origin
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "speed", "output")
    settings = read_settings(RenderSettings, arguments.config)
    speed = load_json(Speed, Path(arguments.speed))
    inputs = {"speed": origin(speed)}
    record = provenance(__file__, "speed.png", settings, packages=DRAWING, inputs=inputs)
    save_figure(Path(arguments.output), speed_bars(speed), settings.render, record)


if __name__ == "__main__":
    main()
