"""Draw samples from a checkpoint with one of the samplers, and say how long it took.

python scripts/sample.py --sampler ddim --checkpoint results/mine/checkpoint \
    --config '{"seed": 0, "model": {}, "diffusion": {}, "sampling": {}, "ddim": {}}' \
    --output results/mine/ddim_samples.npz --timing results/mine/ddim_samples.timing.json
"""

import json
from collections.abc import Sequence
from pathlib import Path

from sfumato.arrays import check_images, save_arrays, write_whole
from sfumato.command_line import command, parse
from sfumato.config.settings import read_settings
from sfumato.generation import generate, generation_settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "checkpoint", "sampler", "output", "timing")
    sampler = arguments.sampler
    settings = read_settings(generation_settings(sampler), arguments.config)
    n_samples = getattr(settings, sampler).n_samples
    checkpoint = Path(arguments.checkpoint)
    samples, record = generate(__file__, settings, sampler, checkpoint, n_samples)
    check_images(f"{sampler}_samples", samples.images)
    arrays = {"images": samples.images, "timesteps": samples.timesteps}
    save_arrays(Path(arguments.output), arrays, record)
    timing = {
        "sampler": sampler,
        "steps": len(samples.timesteps),
        "n_samples": n_samples,
        "micro_batch": settings.sampling.micro_batch,
        "seconds": samples.seconds,
        "device": record["device"],
    }
    text = json.dumps(timing, indent=2) + "\n"
    write_whole(Path(arguments.timing), lambda path: path.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    main()
