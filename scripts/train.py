"""Train the network of a checkpoint; a run that was killed resumes where it was.

python scripts/train.py --data results/mine/data.npz --checkpoint results/mine/initial_checkpoint \
    --config '{"seed": 0, "model": {}, "diffusion": {}, "training": {}, "weights": {}}' \
    --output results/mine/checkpoint --history results/mine/history.csv

The checkpoint that it writes holds the EMA of the weights. `--work` is the folder of the run's
state, by default `training` next to the output; it is removed at the end. docs/training.md says
which state a run goes on from.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from sfumato.compute.backend import describe, spread_over_cores
from sfumato.compute.randomness import stage_key
from sfumato.records.checkpoint import load_checkpoint, save_checkpoint
from sfumato.records.history import save_history
from sfumato.records.opening import open_record
from sfumato.records.outputs import check_outputs
from sfumato.records.provenance import checkpoint_origin, provenance
from sfumato.records.replacing import check_checkpoint_room
from sfumato.training.loop import CPU_DEVICES, train
from sfumato.training.progress import TrainingBar
from sfumato.training.state import HISTORY
from sfumato.training.store import DiskStore, check_work_room, identity
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.train import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "data", "checkpoint", "output", "history")
    add_paths(parser, "work", required=False)
    arguments = parser.parse_args(argv)
    output, history_file = arguments.output, arguments.history
    work = arguments.work or Path(os.path.abspath(output)).with_name("training")
    check_outputs({"history": history_file}, {"output": output, "work": work})
    check_checkpoint_room(output)
    check_work_room(work)
    spread_over_cores(CPU_DEVICES)
    settings = read_settings(Settings, arguments.config)
    data = open_record(arguments.data, "train_images", "train_labels")
    network, manifest = load_checkpoint(arguments.checkpoint, settings.model, settings.diffusion)
    inputs = {"data": data, "initial": checkpoint_origin(arguments.checkpoint, manifest)}
    record = provenance(STAGE, "checkpoint", settings, inputs=inputs, device=describe())
    with DiskStore(work, identity(record)) as store, TrainingBar(settings.training.steps) as bar:
        trained, history = train(
            network,
            settings.diffusion,
            settings.training,
            *data.read().values(),
            key=stage_key(settings.seed, STAGE.stream),
            store=store,
            report=bar,
        )
        if store.resumed:
            record["device"]["resumed"] = store.resumed
        save_checkpoint(output, trained, settings.diffusion, record)
        save_history(history_file, HISTORY, history, record | {"artifact": "history.csv"})
        store.remove()


if __name__ == "__main__":
    main()
