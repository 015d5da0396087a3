"""Follow DDPM sample 0 from noise to image, keeping some of its states.

python scripts/trajectory.py --checkpoint results/mine/checkpoint \
    --config '{"seed": 0, "model": {}, "diffusion": {}, "sampling": {}, "ddpm": {},
               "trajectory": {}}' --output results/mine/trajectory.npz
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sfumato.config.trajectory import TrajectoryConfig
from sfumato.records.arrays import check_finite, check_images, save_arrays
from sfumato.sampling.batches import evenly_spaced, join
from sfumato.sampling.draw import generate, generation_settings
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings

SAMPLER = "ddpm"


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "checkpoint", "output")
    schema = generation_settings(SAMPLER, trajectory=TrajectoryConfig)
    settings = read_settings(schema, arguments.config)
    steps, wanted = settings.ddpm.steps, settings.trajectory
    panels = evenly_spaced(steps, wanted.snapshots)
    frames = evenly_spaced(steps, min(wanted.frames, steps + 1))
    kept = sorted({*panels, *frames})
    batches, record = generate(
        __file__,
        "trajectory.npz",
        settings,
        SAMPLER,
        Path(arguments.checkpoint),
        range(1),
        kept,
    )
    samples = join(batches)
    panel, frame = np.searchsorted(kept, panels), np.searchsorted(kept, frames)
    x_t, x_0 = samples.snapshots[:, 0], samples.predicted_x_0[:, 0]
    arrays = {
        "images": x_t[panel],
        "predicted_x_0": x_0[panel],
        "timesteps": samples.snapshot_timesteps[panel],
        "frames": x_t[frame],
        "frame_timesteps": samples.snapshot_timesteps[frame],
    }
    check_images("trajectory.images", arrays["images"])
    for name in ("predicted_x_0", "frames"):
        check_finite(f"trajectory.{name}", arrays[name])
    save_arrays(Path(arguments.output), arrays, record)


if __name__ == "__main__":
    main()
