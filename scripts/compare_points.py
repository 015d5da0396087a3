"""Put the points of a sweep side by side, as a table: settings, network evaluations and seconds.

python scripts/compare_points.py --config '{"sweep": "steps", "over": [["steps", [5, 50]]],
        "varied": {"ddim": {"sampler": "ddim", "steps": 50}},
        "points": ["points/0123456789ab", "ddim"],
        "samples": {"points/0123456789ab": {"sampler": "ddim", "steps": 5},
                    "ddim": {"sampler": "ddim", "steps": 50}}}' \
    --timings results/mine/points/0123456789ab_samples.timing.json \
              results/mine/ddim_samples.timing.json \
    --output results/mine/sweep_steps.csv

`--samples` names the samples that should be an image again; the table then has their error.
"""

from collections.abc import Sequence

from sfumato.records.measurements import load_measurement
from sfumato.records.opening import open_record
from sfumato.records.outputs import check_outputs
from sfumato.records.provenance import provenance
from sfumato.records.table import save_table
from sfumato.sampling.points import columns, reconstruction_error
from sfumato.sampling.timing import Timing
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.compare_points import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "timings", nargs="+")
    add_paths(parser, "samples", nargs="*", required=False, default=())
    add_paths(parser, "output")
    arguments = parser.parse_args(argv)
    check_outputs({"output": arguments.output})
    settings = read_settings(Settings, arguments.config)
    loaded = [load_measurement(Timing, path) for path in arguments.timings]
    timings = {timing.entry: timing for timing in loaded}
    inverted = [open_record(path, "images", "original") for path in arguments.samples]
    errors = dict(map(reconstruction_error, inverted))
    table = columns(settings.over, settings.points, settings.samples, timings, errors)
    inputs = {timing.provenance.artifact: timing for timing in loaded}
    inputs |= {each.record.artifact: each.origin for each in inverted}
    record = provenance(STAGE, f"sweep_{settings.sweep}.csv", settings, inputs=inputs)
    save_table(arguments.output, table, record)


if __name__ == "__main__":
    main()
