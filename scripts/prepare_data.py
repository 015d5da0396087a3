"""Load the images of an experiment and split them into train and test.

python scripts/prepare_data.py --config '{"data": {"source": "mnist-5k"}, "model": {}}' \
    --output results/mine/data.npz

What is downloaded is kept in the folder `--cache`.
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.config.data import DataConfig
from sfumato.config.fields import Section
from sfumato.config.model import ImageConfig, UNetConfig
from sfumato.config.fields import Seed
from sfumato.data.images import load_images
from sfumato.records.arrays import check_images, save_arrays
from sfumato.records.provenance import LOADING, provenance
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings


class Settings(Section):
    """The sections that this script reads; the seed only for the source `noise`."""

    data: DataConfig
    model: UNetConfig
    seed: Seed = 0

    def used(self) -> "UsedSettings":
        """Return what counts for the images: of the network, their shape."""
        return UsedSettings(
            data=self.data, model=ImageConfig(input_dim=self.model.input_dim), seed=self.seed
        )


class UsedSettings(Section):
    """The settings that stand in the provenance."""

    data: DataConfig
    model: ImageConfig
    seed: Seed


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "output", cache=".cache/data")
    settings = read_settings(Settings, arguments.config)
    arrays = load_images(
        settings.data, settings.model.input_dim, settings.seed, Path(arguments.cache)
    )
    check_images("data.test_images", arrays["test_images"])
    record = provenance(__file__, "data.npz", settings.used(), packages=LOADING)
    save_arrays(Path(arguments.output), arrays, record)


if __name__ == "__main__":
    main()
