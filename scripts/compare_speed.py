"""Compare the measured times of sampling runs: the first one with each of the others.

python scripts/compare_speed.py --config '{"entries": ["ddpm", "ddim"]}' \
    --timings results/mine/{ddpm,ddim}_samples.timing.json \
    --output results/mine/speed.json
"""

from collections.abc import Sequence

from sfumato.errors import InputError
from sfumato.records.measurements import load_measurement, save_measurement
from sfumato.records.outputs import check_outputs
from sfumato.records.provenance import Record, provenance
from sfumato.sampling.timing import Timing, compare
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.compare_speed import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "timings", nargs="+")
    add_paths(parser, "output")
    arguments = parser.parse_args(argv)
    check_outputs({"output": arguments.output})
    loaded = [load_measurement(Timing, path) for path in arguments.timings]
    given = {timing.entry: timing for timing in loaded}
    settings = read_settings(Settings, arguments.config)
    if {*settings.entries} != {*given}:
        wanted, got = (", ".join(each) or "nothing" for each in (settings.entries, given))
        raise InputError(f"--timings: these are of {got}, and entries says {wanted}")
    timings = {name: given[name] for name in settings.entries}
    record = provenance(STAGE, "speed.json", settings, inputs=timings)
    save_measurement(arguments.output, compare(timings, Record.model_validate(record)))


if __name__ == "__main__":
    main()
