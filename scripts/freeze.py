"""Write the golden file of an experiment: the digests that `snakemake verify` expects.

python scripts/freeze.py --results results/mine --golden workflow/golden/mine.json
"""

from collections.abc import Sequence

from sfumato.records.golden import freeze
from sfumato.records.measurements import save_measurement
from sfumato.records.outputs import check_outputs
from sfumato.workflow.command_line import add_paths, command, new_parser


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__)
    add_paths(parser, "results", "golden")
    arguments = parser.parse_args(argv)
    check_outputs({"golden": arguments.golden})
    save_measurement(arguments.golden, freeze(arguments.results))


if __name__ == "__main__":
    main()
