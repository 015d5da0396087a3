"""Put the metrics of all runs and seeds side by side, as JSON and as a table.

python scripts/compare_quality.py --config '{"seed": 0, "samples": {"ddim": {"sampler": "ddim"}},
        "evaluation": {"runs": [{"of": "ddim"}], "seeds": 1}}' \
    --metrics results/mine/evaluation/*/*.metrics.json \
    --timings results/mine/evaluation/*/*.timing.json \
    --output results/mine/quality.json --table results/mine/metrics.md
"""

from collections.abc import Sequence

from sfumato.evaluation.metrics import Metrics
from sfumato.evaluation.quality import summarise, timings_of
from sfumato.evaluation.tables import scores
from sfumato.records.measurements import load_measurement, save_measurement
from sfumato.records.outputs import check_outputs, file_aside
from sfumato.records.provenance import Record, provenance
from sfumato.sampling.timing import Timing
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.compare_quality import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "metrics", "timings", nargs="+")
    add_paths(parser, "output", "table")
    arguments = parser.parse_args(argv)
    check_outputs({"output": arguments.output, "table": arguments.table})
    settings = read_settings(Settings, arguments.config)
    metrics = [load_measurement(Metrics, path) for path in arguments.metrics]
    loaded = [load_measurement(Timing, path) for path in arguments.timings]
    timings = timings_of(metrics, loaded)
    scored = {each.provenance.artifact: each for each in metrics}
    timed = {name.replace(".metrics.", ".timing."): each for name, each in timings.items()}
    record = provenance(STAGE, "quality.json", settings, inputs=scored | timed)
    made, device = Record.model_validate(record), metrics[0].provenance.device
    quality = summarise(metrics, timings, device, made)
    save_measurement(arguments.output, quality)
    with file_aside(arguments.table) as part:
        part.write_text(scores(quality), encoding="utf-8")


if __name__ == "__main__":
    main()
