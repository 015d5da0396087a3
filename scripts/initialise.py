"""Write a checkpoint of a network with fresh weights.

python scripts/initialise.py --config '{"seed": 0, "model": {}, "diffusion": {}}' \
    --output results/mine/checkpoint
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.compute.backend import describe
from sfumato.compute.randomness import stage_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section
from sfumato.config.model import UNetConfig
from sfumato.config.fields import Seed
from sfumato.networks.unet import initialise
from sfumato.records.checkpoint import save_checkpoint
from sfumato.records.provenance import COMPUTING, provenance
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings


class Settings(Section):
    """The sections that this script reads."""

    seed: Seed
    model: UNetConfig
    diffusion: DiffusionConfig


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "output")
    settings = read_settings(Settings, arguments.config)
    unet = initialise(settings.model, stage_key(settings.seed, "initialise"))
    record = provenance(__file__, "checkpoint", settings, packages=COMPUTING, device=describe())
    save_checkpoint(Path(arguments.output), unet, settings.diffusion, record)


if __name__ == "__main__":
    main()
