"""Draw measured quality against evaluations of the network and against seconds.

python scripts/render_quality.py --config '{"render": {}}' \
    --quality results/mine/quality.json --output results/mine/quality_vs_nfe.png
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.command_line import command, parse
from sfumato.config.settings import read_settings
from sfumato.plotting import quality_curves, save_figure
from sfumato.provenance import DRAWING, provenance
from sfumato.quality import Quality
from sfumato.rendering import RenderSettings
from sfumato.speed import load_json, origin


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "quality", "output")
    settings = read_settings(RenderSettings, arguments.config)
    quality = load_json(Quality, Path(arguments.quality))
    inputs = {"quality": origin(quality)}
    record = provenance(__file__, "quality_vs_nfe.png", settings, packages=DRAWING, inputs=inputs)
    save_figure(Path(arguments.output), quality_curves(quality), settings.render, record)


if __name__ == "__main__":
    main()
