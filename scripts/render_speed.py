"""Draw the measured speed of DDPM and DDIM.

python scripts/render_speed.py --config '{"render": {}}' \
    --speed results/mine/speed.json --output results/mine/speed.png
"""

import json
from collections.abc import Sequence
from pathlib import Path

from sfumato.command_line import command, parse
from sfumato.config.settings import read_settings
from sfumato.plotting import save_figure, speed_bars
from sfumato.provenance import DRAWING, provenance
from sfumato.rendering import RenderSettings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "speed", "output")
    settings = read_settings(RenderSettings, arguments.config)
    speed = json.loads(Path(arguments.speed).read_text(encoding="utf-8"))
    record = provenance(__file__, settings, packages=DRAWING, inputs={"speed": speed})
    save_figure(Path(arguments.output), speed_bars(speed), settings.render, record)


if __name__ == "__main__":
    main()
