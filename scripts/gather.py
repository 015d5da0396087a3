"""Join the shards of samples, and add up their times.

python scripts/gather.py --arrays results/mine/shards/ddim_samples-{1,2}-of-2.npz \
    --timings results/mine/shards/ddim_samples-{1,2}-of-2.timing.json \
    --output results/mine/ddim_samples.npz --timing results/mine/ddim_samples.timing.json

The result is, byte for byte, what `scripts/sample.py` writes without `--shard`.
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.records.arrays import save_arrays
from sfumato.sampling.shards import gather
from sfumato.sampling.timing import Timing, add_up, load_json, save_json
from sfumato.workflow.command_line import command, parse


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "arrays+", "timings+", "output", "timing")
    arrays, record = gather([Path(path) for path in arguments.arrays])
    timing = add_up([load_json(Timing, Path(path)) for path in arguments.timings])
    save_arrays(Path(arguments.output), arrays, record)
    save_json(Path(arguments.timing), timing)


if __name__ == "__main__":
    main()
