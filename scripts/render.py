"""Draw a figure from the files that hold what it shows.

python scripts/render.py forward --config '{"render": {}}' \
    --inputs results/mine/forward.npz --output results/mine/forward.png
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.figures import figure, names
from sfumato.figures.saving import save
from sfumato.records.outputs import check_outputs, check_suffix
from sfumato.records.provenance import provenance
from sfumato.workflow.command_line import command, new_parser
from sfumato.workflow.settings import read_settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__)
    parser.add_argument("figure", choices=names())
    parser.add_argument("--config", required=True, metavar="JSON", help="the figure's settings")
    parser.add_argument("--inputs", required=True, type=Path, nargs="+", metavar="PATH")
    parser.add_argument("--output", required=True, type=Path, metavar="PATH")
    arguments = parser.parse_args(argv)
    check_outputs({"output": arguments.output})
    declared = figure(arguments.figure)
    check_suffix(arguments.output, declared.file)
    settings = read_settings(declared.settings, arguments.config)
    opened = declared.open(arguments.inputs)
    artifact = declared.artifact(*opened.values())
    drawing = declared.draw(settings.render, *opened.values())
    record = provenance(declared, artifact, settings, inputs=opened)
    save(arguments.output, drawing, settings.render, record)


if __name__ == "__main__":
    main()
