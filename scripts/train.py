"""Train the network of a checkpoint; a run that was killed goes on where it was.

python scripts/train.py --data results/mine/data.npz --checkpoint results/mine/initial_checkpoint \
    --config '{"seed": 0, "model": {}, "diffusion": {}, "training": {}, "weights": {}}' \
    --work results/mine/training --output results/mine/checkpoint \
    --history results/mine/history.csv

The checkpoint that it writes holds the averaged weights. `--work` is a folder for the state on the
way; it is removed at the end.
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.compute.backend import describe, spread_over_cores
from sfumato.compute.randomness import stage_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section, Seed
from sfumato.config.training import TrainingConfig
from sfumato.config.weights import WeightsConfig
from sfumato.networks.unet_config import UNetConfig
from sfumato.records.arrays import digest, load_arrays
from sfumato.records.checkpoint import load_checkpoint, save_checkpoint
from sfumato.records.history import save_history
from sfumato.records.provenance import TRAINING, provenance
from sfumato.training.loop import CPU_DEVICES, HISTORY, train
from sfumato.training.progress import TrainingBar
from sfumato.training.store import DiskStore, identity
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings


class Settings(Section):
    """The sections that this script reads."""

    seed: Seed
    model: UNetConfig
    diffusion: DiffusionConfig
    training: TrainingConfig
    weights: WeightsConfig


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    options = ("config", "data", "checkpoint", "work", "output", "history")
    arguments = parse(__doc__, argv, *options)
    spread_over_cores(CPU_DEVICES)
    settings = read_settings(Settings, arguments.config)
    data, data_record = load_arrays(Path(arguments.data), "train_images", "train_labels")
    unet, manifest = load_checkpoint(Path(arguments.checkpoint), settings.model, settings.diffusion)
    inputs = {
        "data": {"digest": digest(data), "provenance": data_record},
        "initial": {key: manifest[key] for key in ("digest", "provenance")},
    }
    record = provenance(
        __file__, "checkpoint", settings, packages=TRAINING, inputs=inputs, device=describe()
    )
    images, labels = data["train_images"], data["train_labels"]
    key, diffusion = stage_key(settings.seed, "training"), settings.diffusion
    work, steps = Path(arguments.work), settings.training.steps
    with DiskStore(work, identity(__file__, record)) as store, TrainingBar(steps) as bar:
        trained, history = train(
            unet, diffusion, settings.training, images, labels, key=key, store=store, report=bar
        )
        save_checkpoint(Path(arguments.output), trained, diffusion, record)
        history_record = record | {"artifact": "history.csv"}
        save_history(Path(arguments.history), HISTORY, history, history_record)
        store.remove()


if __name__ == "__main__":
    main()
