"""Write one page with everything that was built of some experiments; it opens from disk.

python scripts/gallery.py --experiments mnist digits --results results --output results/gallery

Experiments of which nothing is built are left out.
"""

from collections.abc import Sequence

from sfumato.config.paths import shown
from sfumato.gallery.collect import experiments, not_wanted
from sfumato.gallery.page import write_page
from sfumato.workflow.command_line import add_experiments, add_paths, command, new_parser


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__)
    add_experiments(parser)
    add_paths(parser, "results", "output")
    arguments = parser.parse_args(argv)
    results, wanted = arguments.results, arguments.experiments
    write_page(arguments.output, experiments(results, wanted), not_wanted(results, wanted))
    print(f"open {shown(arguments.output / 'index.html')}")


if __name__ == "__main__":
    main()
