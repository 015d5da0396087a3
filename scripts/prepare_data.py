"""Load the images of an experiment and split them into train and test.

python scripts/prepare_data.py --config '{"data": {"source": "mnist-5k"}, "model": {}}' \
    --output results/mine/data.npz

Downloads are kept in the folder `--cache`.
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.data.images import load_images
from sfumato.records.arrays import save_arrays
from sfumato.records.checks import check_images
from sfumato.records.provenance import provenance
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.prepare_data import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "output")
    add_paths(parser, "cache", required=False, default=Path(".cache/data"))
    arguments = parser.parse_args(argv)
    settings = read_settings(Settings, arguments.config)
    arrays = load_images(
        settings.data,
        settings.model.input_dim,
        seed=settings.seed,
        stream=STAGE.stream,
        cache=arguments.cache,
    )
    check_images("data.test_images", arrays["test_images"])
    save_arrays(arguments.output, arrays, provenance(STAGE, "data.npz", settings))


if __name__ == "__main__":
    main()
