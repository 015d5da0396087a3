"""Put the metrics of all runs and seeds side by side, as JSON and as a table.

python scripts/compare_quality.py --metrics results/mine/evaluation/*/*.metrics.json \
    --output results/mine/quality.json --table results/mine/metrics.md
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.evaluation.tables import Metrics, summarise, table
from sfumato.records.arrays import write_whole
from sfumato.records.provenance import Record, provenance
from sfumato.sampling.timing import load_json, origin, save_json
from sfumato.workflow.command_line import command, parse


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "metrics+", "output", "table")
    metrics = [load_json(Metrics, Path(path)) for path in arguments.metrics]
    inputs = {each.provenance.artifact: origin(each) for each in metrics}
    record = provenance(__file__, "quality.json", inputs=inputs)
    quality = summarise(metrics, metrics[0].provenance.device, Record.model_validate(record))
    save_json(Path(arguments.output), quality)
    text = table(quality)
    write_whole(Path(arguments.table), lambda part: part.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    main()
