"""Write the golden file of an experiment: the digests that `snakemake verify` expects.

python scripts/freeze.py --results results/mine --golden workflow/golden/mine.json
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.records.verify import freeze
from sfumato.sampling.timing import save_json
from sfumato.workflow.command_line import command, parse


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "results", "golden")
    save_json(Path(arguments.golden), freeze(Path(arguments.results)))


if __name__ == "__main__":
    main()
