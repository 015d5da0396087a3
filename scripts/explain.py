"""Say what made a figure, a file of arrays, a measurement or a checkpoint, from it alone.

python scripts/explain.py results/mine/ddim_samples.png
python scripts/explain.py results/mine/ddim_samples.png --diff mailed.png
python scripts/explain.py results/mine/ddim_samples.png --config > rebuilt.yaml
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

import yaml

from sfumato.records.explain import difference, explain
from sfumato.records.opening import open_record
from sfumato.records.rebuild import config_of
from sfumato.workflow.command_line import command, new_parser


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__)
    parser.add_argument("file", type=Path)
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--diff", type=Path, metavar="OTHER", help="say how two files differ")
    asked.add_argument("--config", action="store_true", help="print the config that rebuilds it")
    arguments = parser.parse_args(argv)
    opened = open_record(arguments.file)
    if arguments.diff:
        print(difference(opened, open_record(arguments.diff)))
    elif arguments.config:
        config = config_of(opened.record)
        print(yaml.safe_dump(config, default_flow_style=None, sort_keys=False), end="")
    else:
        command_for_config = ("python", "scripts/explain.py", str(arguments.file), "--config")
        print(explain(opened, shlex.join(command_for_config)))


if __name__ == "__main__":
    main()
