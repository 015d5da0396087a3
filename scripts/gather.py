"""Join the shards of samples, and add up their times.

python scripts/gather.py --arrays results/mine/shards/ddim_samples-{1,2}-of-2.npz \
    --timings results/mine/shards/ddim_samples-{1,2}-of-2.timing.json \
    --output results/mine/ddim_samples.npz --timing results/mine/ddim_samples.timing.json

The result is, byte for byte, what `scripts/sample.py` writes without `--shard`.
"""

from collections.abc import Sequence

from sfumato.records.arrays import save_arrays
from sfumato.records.measurements import load_measurement, save_measurement
from sfumato.records.outputs import check_outputs
from sfumato.sampling.shards import gather
from sfumato.sampling.timing import Timing, add_up
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.stages.gather import STAGE


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "arrays", "timings", nargs="+")
    add_paths(parser, "output", "timing")
    arguments = parser.parse_args(argv)
    check_outputs({"output": arguments.output, "timing": arguments.timing})
    arrays, record = gather(arguments.arrays)
    timing = add_up([load_measurement(Timing, path) for path in arguments.timings])
    save_arrays(arguments.output, arrays, record)
    save_measurement(arguments.timing, timing)


if __name__ == "__main__":
    main()
