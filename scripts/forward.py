"""Noise one test image, with one draw of noise, to several times.

python scripts/forward.py --config '{"seed": 0, "diffusion": {}, "forward": {}}' \
    --data results/mine/data.npz --output results/mine/forward.npz
"""

from collections.abc import Sequence

import jax
import numpy as np

from sfumato.compute.backend import describe
from sfumato.compute.randomness import stage_key
from sfumato.diffusion.forward import forward_path
from sfumato.diffusion.schedule import make_schedule
from sfumato.errors import InputError
from sfumato.records.arrays import save_arrays
from sfumato.records.checks import check_finite
from sfumato.records.opening import open_record
from sfumato.records.outputs import check_outputs
from sfumato.records.provenance import provenance
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.forward import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "data", "output")
    arguments = parser.parse_args(argv)
    check_outputs({"output": arguments.output})
    settings = read_settings(Settings, arguments.config)
    data = open_record(arguments.data, "test_images", "test_labels")
    images = data.read()["test_images"]
    index = settings.forward.shown(len(images))
    for place, reason in settings.forward.mistakes(settings.diffusion.noise_steps, len(images)):
        raise InputError(f"{place}: {reason}")
    schedule, key = make_schedule(settings.diffusion), stage_key(settings.seed, STAGE.stream)
    timesteps = np.array(settings.forward.timesteps, np.int32)
    path = forward_path(schedule, key, index, images[index], jax.numpy.asarray(timesteps))
    x_t, noise, alpha = jax.device_get(path)
    arrays = {
        "images": x_t,
        "timesteps": timesteps,
        "alpha_bar": alpha**2,
        "x_0": images[index],
        "noise": noise,
        "label": data.read()["test_labels"][index],
    }
    check_finite("forward.images", arrays["images"])
    record = provenance(STAGE, "forward.npz", settings, inputs={"data": data}, device=describe())
    save_arrays(arguments.output, arrays, record)


if __name__ == "__main__":
    main()
