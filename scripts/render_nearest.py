"""Draw the samples that are nearest to a training image, each above that image.

python scripts/render_nearest.py --config '{"render": {}}' --data results/mine/data.npz \
    --samples results/mine/evaluation/ddpm_steps_1000/0.npz \
    --metrics results/mine/evaluation/ddpm_steps_1000/0.metrics.json \
    --output results/mine/nearest.png
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.evaluation.tables import Metrics
from sfumato.figures.plotting import image_rows, save_figure
from sfumato.figures.rendering import RenderSettings
from sfumato.records.arrays import digest, load_arrays
from sfumato.records.provenance import DRAWING, provenance
from sfumato.sampling.timing import load_json, origin
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "data", "samples", "metrics", "output")
    settings = read_settings(RenderSettings, arguments.config)
    metrics = load_json(Metrics, Path(arguments.metrics))
    data, data_record = load_arrays(Path(arguments.data), "train_images")
    drawn, drawn_record = load_arrays(Path(arguments.samples), "images")
    rows = {
        "sample": drawn["images"][[each.sample for each in metrics.nearest]],
        "nearest": data["train_images"][[each.train for each in metrics.nearest]],
    }
    titles = [f"{each.distance:.2f}" for each in metrics.nearest]
    heading = f"Memorisation: of {metrics.n_samples} samples those nearest to a training image"
    inputs = {
        "metrics": origin(metrics),
        "samples": {"digest": digest(drawn), "provenance": drawn_record},
        "data": {"digest": digest(data), "provenance": data_record},
    }
    record = provenance(__file__, "nearest.png", settings, packages=DRAWING, inputs=inputs)
    figure = image_rows(rows, titles, heading, settings.render)
    save_figure(Path(arguments.output), figure, settings.render, record)


if __name__ == "__main__":
    main()
