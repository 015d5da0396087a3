"""Draw samples from a checkpoint with one of the samplers, and say how long it took.

python scripts/sample.py --sampler ddim --checkpoint results/mine/checkpoint \
    --config '{"seed": 0, "model": {}, "diffusion": {}, "sampling": {}, "ddim": {}}' \
    --output results/mine/ddim_samples.npz --timing results/mine/ddim_samples.timing.json

With `--shard 2/8` only the second of eight parts of them; `scripts/gather.py` joins the parts.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sfumato.diffusion.times import spaced_timesteps
from sfumato.records.arrays import Rows, check_images, save_arrays
from sfumato.records.provenance import Record
from sfumato.sampling.draw import generate, generation_settings
from sfumato.sampling.shards import shard_range
from sfumato.sampling.timing import Seconds, Timing, save_json
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    options = ("config", "checkpoint", "sampler", "output", "timing")
    arguments = parse(__doc__, argv, *options, shard="1/1")
    name, sampler = f"{arguments.sampler}_samples", arguments.sampler
    settings = read_settings(generation_settings(sampler), arguments.config)
    run = getattr(settings, sampler)
    indices = shard_range(run.n_samples, settings.sampling.in_a_shard(), arguments.shard)
    batches, record = generate(
        __file__, f"{name}.npz", settings, sampler, Path(arguments.checkpoint), indices
    )
    if len(indices) < run.n_samples:
        record["part"] = {"start": indices.start, "stop": indices.stop}
    seconds = Counter()

    def images() -> Iterator[np.ndarray]:
        first = indices.start
        for batch in batches:
            check_images(name, batch.images, first)
            yield batch.images
            first += len(batch.images)
            seconds.update(batch.seconds)

    shape = (len(indices), *settings.model.input_dim)
    timesteps = spaced_timesteps(settings.diffusion.noise_steps, run.steps, run.spacing)
    arrays = {"images": Rows(shape, np.dtype(np.float32), images()), "timesteps": timesteps}
    save_arrays(Path(arguments.output), arrays, record)
    timing = Timing(
        sampler=sampler,
        steps=run.steps,
        n_samples=len(indices),
        micro_batch=settings.sampling.on(record["device"]["backend"]),
        seconds=Seconds(**seconds),
        device=record["device"],
        provenance=Record.model_validate(record | {"artifact": f"{name}.timing.json"}),
    )
    save_json(Path(arguments.timing), timing)


if __name__ == "__main__":
    main()
