"""Draw one entry of `samples` from a checkpoint, and say how long it took.

python scripts/sample.py --checkpoint results/mine/checkpoint \
    --config '{"seed": 0, "model": {}, "diffusion": {}, "sampling": {},
               "samples": {"ddim": {"sampler": "ddim", "steps": 50}}}' \
    --output results/mine/ddim_samples.npz --timing results/mine/ddim_samples.timing.json

`--shard 2/8` draws only the second of eight parts; `scripts/gather.py` joins the parts. `--read
data=results/mine/data.npz` says where a file is that the entry's guidance or edit reads.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from sfumato.compute.backend import describe
from sfumato.records.arrays import Rows, save_arrays
from sfumato.records.checks import checked
from sfumato.records.measurements import save_measurement
from sfumato.records.outputs import check_outputs
from sfumato.records.provenance import Record, provenance
from sfumato.sampling.draw import Entry
from sfumato.sampling.shards import shard_range
from sfumato.sampling.timing import Seconds, Timing
from sfumato.workflow.command_line import add_files, add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.sample import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "checkpoint", "output", "timing")
    parser.add_argument("--shard", default="1/1", metavar="K/N")
    add_files(parser)
    arguments = parser.parse_args(argv)
    check_outputs({"output": arguments.output, "timing": arguments.timing})
    settings = read_settings(Settings, arguments.config)
    files = dict(arguments.read)
    entry = Entry.restore(settings, arguments.checkpoint, STAGE.stream, files)
    n_samples, name = settings.samples[entry.name].n_samples, f"{entry.name}_samples"
    indices = shard_range(n_samples, settings.sampling.in_a_shard(), arguments.shard)
    walks, device = entry.walks, describe()
    record = provenance(STAGE, f"{name}.npz", settings, inputs=entry.inputs, device=device)
    record["chain"] = entry.work
    if len(indices) < n_samples:
        record["part"] = {"start": indices.start, "stop": indices.stop}
    given, seconds = entry.begin(indices)

    def images() -> Iterator[np.ndarray]:
        for batch in entry.draw(indices, given=given):
            yield batch.images
            seconds.update(batch.seconds)

    blocks = checked(name, images(), indices.start, n_samples, record)
    rows = Rows((len(indices), *walks.image_shape), np.dtype(np.float32), blocks)
    arrays = {"images": rows, "timesteps": walks.timesteps, **walks.shown(given)}
    save_arrays(arguments.output, arrays, record)
    timing = Timing(
        entry=entry.name,
        sampler=settings.model_dump()["samples"][entry.name]["sampler"],
        **entry.work,
        n_samples=len(indices),
        micro_batch=entry.micro_batch,
        seconds=Seconds(**seconds),
        device=device,
        provenance=Record.model_validate(record | {"artifact": f"{name}.timing.json"}),
    )
    save_measurement(arguments.timing, timing)


if __name__ == "__main__":
    main()
