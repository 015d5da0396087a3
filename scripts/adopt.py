"""Adopt a trained checkpoint, after comparing it with the config.

With the source `finetuned` it is what training goes on from, and may know other classes.

python scripts/adopt.py --checkpoint resources/pretrained/mnist \
    --config '{"model": {}, "diffusion": {}, "weights": {"source": "pretrained"}}' \
    --output results/mine/checkpoint
"""

from collections.abc import Sequence

from sfumato.networks.classes import with_classes
from sfumato.records.checkpoint import load_whole, save_checkpoint
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
    settings = read_settings(Settings, arguments.config)
    network, _, manifest = load_whole(arguments.checkpoint)
    settings = settings.matched(arguments.checkpoint, manifest)
    inputs = {"pretrained": checkpoint_origin(arguments.checkpoint, manifest)}
    artifact = "initial_checkpoint" if settings.weights.are_trained else "checkpoint"
    record = provenance(STAGE, artifact, settings, inputs=inputs)
    network = with_classes(network, settings.model)
    save_checkpoint(arguments.output, network, settings.diffusion, record)


if __name__ == "__main__":
    main()
