"""Draw measured quality against evaluations of the network and against seconds.

python scripts/render_quality.py --config '{"render": {}}' \
    --quality results/mine/quality.json --output results/mine/quality_vs_nfe.png
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.evaluation.tables import Quality
from sfumato.figures.plotting import quality_curves, save_figure
from sfumato.figures.rendering import RenderSettings
from sfumato.records.provenance import DRAWING, provenance
from sfumato.sampling.timing import load_json, origin
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings


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
