"""Noise one test image, with one draw of noise, to several times.

python scripts/forward.py --config '{"seed": 0, "diffusion": {}, "forward": {}}' \
    --data results/mine/data.npz --output results/mine/forward.npz
"""

from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from sfumato.compute.backend import describe
from sfumato.compute.randomness import stage_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.fields import Section
from sfumato.config.forward import ForwardConfig
from sfumato.config.fields import Seed
from sfumato.diffusion.noising import noise_image
from sfumato.diffusion.schedule import make_schedule
from sfumato.errors import InputError
from sfumato.records.arrays import check_images, digest, load_arrays, save_arrays
from sfumato.records.provenance import COMPUTING, provenance
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings


class Settings(Section):
    """The sections that this script reads."""

    seed: Seed
    diffusion: DiffusionConfig
    forward: ForwardConfig


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    arguments = parse(__doc__, argv, "config", "data", "output")
    settings = read_settings(Settings, arguments.config)
    data, data_record = load_arrays(Path(arguments.data), "test_images", "test_labels")
    index, timesteps = settings.forward.index, np.array(settings.forward.timesteps, np.int32)
    if index >= len(data["test_images"]):
        raise InputError(f"forward.index: {index} must be less than {len(data['test_images'])}")
    x_0 = data["test_images"][index]
    schedule, key = make_schedule(settings.diffusion), stage_key(settings.seed, "forward")
    x_t, noise, alpha_bar = jax.device_get(noise_image(schedule, key, index, x_0, timesteps))
    arrays = {
        "images": x_t,
        "timesteps": timesteps,
        "alpha_bar": alpha_bar,
        "x_0": x_0,
        "noise": noise,
        "label": data["test_labels"][index],
    }
    check_images("forward.images", arrays["images"])
    inputs = {"data": {"digest": digest(data), "provenance": data_record}}
    record = provenance(
        __file__, "forward.npz", settings, packages=COMPUTING, inputs=inputs, device=describe()
    )
    save_arrays(Path(arguments.output), arrays, record)


if __name__ == "__main__":
    main()
