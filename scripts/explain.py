"""Say what made a figure, a file of arrays, a measurement or a checkpoint, from it alone.

python scripts/explain.py results/mine/ddim_samples.png
python scripts/explain.py results/mine
python scripts/explain.py results/mine/ddim_samples.png --diff mailed.png
python scripts/explain.py results/mine/ddim_samples.png --config > rebuilt.yaml

Of a folder of results it says a line on each file. `--diff` ends with status 0 if the two are the
same, 1 if they differ, and 2 if that cannot be told.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from sfumato.errors import InputError
from sfumato.project import how_to_call
from sfumato.records.contrast import contrast
from sfumato.records.explain import explain, explain_folder
from sfumato.records.finding import is_checkpoint
from sfumato.records.opening import open_record
from sfumato.records.rebuild import config_of, needs_of
from sfumato.workflow.command_line import command, new_parser
from sfumato.workflow.defaults import project_defaults


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__)
    parser.add_argument("file", type=Path, help="or a folder of results")
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--diff", type=Path, metavar="OTHER", help="say how two files differ")
    asked.add_argument("--config", action="store_true", help="print the config that rebuilds it")
    arguments = parser.parse_args(argv)
    if arguments.diff:
        _compare(arguments)
    elif arguments.config:
        config = config_of(open_record(arguments.file).record, project_defaults())
        print(*(f"# {need}\n" for need in needs_of(config)), sep="", end="")
        print(yaml.safe_dump(config, default_flow_style=None, sort_keys=False), end="")
    elif arguments.file.is_dir() and not is_checkpoint(arguments.file):
        _list(arguments.file)
    else:
        command_for_config = how_to_call("explain.py", arguments.file, "--config")
        print(explain(open_record(arguments.file), command_for_config))


def _compare(arguments: argparse.Namespace) -> None:
    """Print how two files differ, and end with the status of `diff`."""
    try:
        lines = contrast(open_record(arguments.file), open_record(arguments.diff))
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    print("\n".join(lines or ["both were made in the same way", "content: the same"]))
    if lines:
        sys.exit(1)


def _list(folder: Path) -> None:
    """Print a line on each file below a folder, and fail if one is wrong."""
    wrong = 0
    for line, is_wrong in explain_folder(folder):
        print(line, flush=True)
        wrong += is_wrong
    if wrong:
        raise InputError(f"{folder}: {wrong} of these cannot be explained, as said above")


if __name__ == "__main__":
    main()
