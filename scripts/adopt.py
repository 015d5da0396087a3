"""Take over a checkpoint that somebody trained, after comparing it with the config.

python scripts/adopt.py --checkpoint resources/pretrained/mnist \
    --config '{"model": {}, "diffusion": {}, "weights": {"source": "pretrained"}}' \
    --output results/mine/checkpoint
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section
from sfumato.config.model import UNetConfig
from sfumato.config.weights import WeightsConfig
from sfumato.records.checkpoint import load_checkpoint, save_checkpoint
from sfumato.records.provenance import COMPUTING, provenance
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings


class Settings(Section):
    """The sections that this script reads."""

    model: UNetConfig
    diffusion: DiffusionConfig
    weights: WeightsConfig


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "checkpoint", "output")
    settings = read_settings(Settings, arguments.config)
    unet, manifest = load_checkpoint(Path(arguments.checkpoint), settings.model, settings.diffusion)
    inputs = {"pretrained": {key: manifest[key] for key in ("digest", "provenance")}}
    record = provenance(__file__, "checkpoint", settings, packages=COMPUTING, inputs=inputs)
    save_checkpoint(Path(arguments.output), unet, settings.diffusion, record)


if __name__ == "__main__":
    main()
