"""Load the images of an experiment and split them into train and test.

python scripts/prepare_data.py --config '{"data": {"source": "mnist-5k"}, "model": {}}' \
    --output results/mine/data.npz

`--folder` is that of your own files: pictures, or IDX files. Of these, what is not there is
downloaded, from `--url` or the publishers, and kept in the folder `--cache`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from sfumato.config.data import DataConfig
from sfumato.config.paths import shown, user_path
from sfumato.config.validation import validate
from sfumato.data.images import load_images
from sfumato.records.arrays import save_arrays
from sfumato.records.checks import check_finite
from sfumato.records.outputs import check_outputs
from sfumato.records.provenance import provenance
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.data_files import facts_of, known
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.prepare_data import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "output")
    add_paths(parser, "cache", required=False, default=Path(".cache/data"))
    parser.add_argument("--folder", help="of your files")
    parser.add_argument("--url", help="of a folder at another server than the publishers'")
    arguments = parser.parse_args(argv)
    check_outputs({"output": arguments.output})
    settings = read_settings(Settings, arguments.config)
    files = {"folder": arguments.folder, "url": arguments.url}
    data = validate(DataConfig, settings.data.model_dump() | files, "data")
    if not (data.digest and data.n_images):
        settings = settings.model_copy(update={"data": known(data, facts_of(data))})
    made = provenance(STAGE, "data.npz", settings)
    if data.source == "images":
        from sfumato.data.pictures import find_pictures

        pictures = find_pictures(user_path(data.folder or "", "data.folder"))
        print(pictures.sentence_of_classes, file=sys.stderr)
        made["classes"] = [shown(name) for name in pictures.classes]
    arrays = load_images(
        data,
        settings.model.input_dim,
        seed=settings.seed,
        stream=STAGE.stream,
        cache=arguments.cache,
    )
    for part in ("train_images", "test_images"):
        check_finite(f"data.{part}", arrays[part])
    save_arrays(arguments.output, arrays, made)


if __name__ == "__main__":
    main()
