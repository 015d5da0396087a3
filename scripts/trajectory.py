"""Follow sample 0 of an entry from noise to image, keeping some of its states.

python scripts/trajectory.py --checkpoint results/mine/checkpoint \
    --config '{"seed": 0, "model": {}, "diffusion": {}, "sampling": {}, "trajectory": {},
               "samples": {"ddpm": {"sampler": "ddpm"}}}' --output results/mine/trajectory.npz
"""

from collections.abc import Sequence

import numpy as np

from sfumato.compute.backend import describe
from sfumato.records.arrays import save_arrays
from sfumato.records.checks import check_finite, check_images
from sfumato.records.outputs import check_outputs
from sfumato.records.provenance import provenance
from sfumato.sampling.batches import evenly_spaced
from sfumato.sampling.draw import Entry
from sfumato.sampling.samples import join
from sfumato.workflow.command_line import add_files, add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.trajectory import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "checkpoint", "output")
    add_files(parser)
    arguments = parser.parse_args(argv)
    check_outputs({"output": arguments.output})
    settings = read_settings(Settings, arguments.config)
    entry = Entry.restore(settings, arguments.checkpoint, STAGE.stream, dict(arguments.read))
    steps, wanted = len(entry.walks.timesteps), settings.trajectory
    panels = evenly_spaced(steps, wanted.snapshots)
    frames = evenly_spaced(steps, min(wanted.frames, steps + 1))
    kept = sorted({*panels, *frames})
    samples = join(entry.draw(range(1), kept))
    panel, frame = np.searchsorted(kept, panels), np.searchsorted(kept, frames)
    x_t, x_0 = samples.snapshots[:, 0], samples.predicted_x_0[:, 0]
    times = samples.snapshot_timesteps
    arrays = {
        "images": x_t[panel],
        "predicted_x_0": x_0[panel],
        "timesteps": times[panel],
        "frames": x_t[frame],
        "frame_timesteps": times[frame],
    }
    inputs, device = entry.inputs, describe()
    record = provenance(STAGE, "trajectory.npz", settings, inputs=inputs, device=device)
    record["chain"] = entry.work
    check_images("trajectory.images", arrays["images"], record)
    for name in ("predicted_x_0", "frames"):
        check_finite(f"trajectory.{name}", arrays[name])
    save_arrays(arguments.output, arrays, record)


if __name__ == "__main__":
    main()
