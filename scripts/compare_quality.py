"""Put the metrics of all runs and seeds side by side, as JSON and as a table.

python scripts/compare_quality.py --metrics results/mine/evaluation/*/*.metrics.json \
    --output results/mine/quality.json --table results/mine/metrics.md
"""

from collections.abc import Sequence

from sfumato.evaluation.metrics import Metrics
from sfumato.evaluation.quality import summarise
from sfumato.evaluation.tables import table
from sfumato.records.arrays import write_whole
from sfumato.records.measurements import load_measurement, save_measurement
from sfumato.records.provenance import Record, provenance
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.stages.compare_quality import STAGE


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "metrics", nargs="+")
    add_paths(parser, "output", "table")
    arguments = parser.parse_args(argv)
    metrics = [load_measurement(Metrics, path) for path in arguments.metrics]
    inputs = {each.provenance.artifact: each for each in metrics}
    record = provenance(STAGE, "quality.json", inputs=inputs)
    quality = summarise(metrics, metrics[0].provenance.device, Record.model_validate(record))
    save_measurement(arguments.output, quality)
    text = table(quality)
    write_whole(arguments.table, lambda part: part.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    main()
