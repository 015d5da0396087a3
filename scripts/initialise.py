"""Write a checkpoint of a network with fresh weights.

python scripts/initialise.py --config '{"seed": 0, "model": {}, "diffusion": {}}' \
    --output results/mine/checkpoint
"""

from collections.abc import Sequence

from sfumato.compute.backend import describe
from sfumato.compute.randomness import stage_key
from sfumato.networks.initialisation import initialise
from sfumato.records.checkpoint import save_checkpoint
from sfumato.records.outputs import check_outputs
from sfumato.records.provenance import provenance
from sfumato.records.replacing import check_checkpoint_room
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.initialise import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "output")
    arguments = parser.parse_args(argv)
    check_outputs({}, {"output": arguments.output})
    check_checkpoint_room(arguments.output)
    settings = read_settings(Settings, arguments.config)
    network = initialise(settings.model, stage_key(settings.seed, STAGE.stream))
    record = provenance(STAGE, "checkpoint", settings, device=describe())
    save_checkpoint(arguments.output, network, settings.diffusion, record)


if __name__ == "__main__":
    main()
