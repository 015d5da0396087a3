"""Adopt a trained checkpoint, after comparing it with the config.

python scripts/adopt.py --checkpoint resources/pretrained/mnist \
    --config '{"model": {}, "diffusion": {}, "weights": {"source": "pretrained"}}' \
    --output results/mine/checkpoint
"""

from collections.abc import Sequence

from sfumato.records.checkpoint import load_checkpoint, save_checkpoint
from sfumato.records.outputs import check_outputs
from sfumato.records.provenance import checkpoint_origin, provenance
from sfumato.records.replacing import check_checkpoint_room
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.adopt import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "checkpoint", "output")
    arguments = parser.parse_args(argv)
    check_outputs({}, {"output": arguments.output})
    check_checkpoint_room(arguments.output)
    settings = read_settings(Settings, arguments.config).matched(arguments.checkpoint)
    network, manifest = load_checkpoint(arguments.checkpoint, settings.model, settings.diffusion)
    inputs = {"pretrained": checkpoint_origin(arguments.checkpoint, manifest)}
    record = provenance(STAGE, "checkpoint", settings, inputs=inputs)
    save_checkpoint(arguments.output, network, settings.diffusion, record)


if __name__ == "__main__":
    main()
