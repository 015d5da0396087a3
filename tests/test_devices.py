"""One device or many, the one that saved or another: the same bytes."""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from conftest import ROOT, TINY

from sfumato.arrays import load_arrays
from sfumato.config.experiment import Experiment, settings_of


def run(folder, devices, script, keys, *arguments, **environment):
    """Run a script in a process that sees so many devices."""
    config = json.dumps(settings_of(Experiment.model_validate(TINY), *keys))
    subprocess.run(
        [sys.executable, str(ROOT / "scripts" / script), "--config", config, *arguments],
        cwd=folder,
        check=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
            **environment,
        },
    )


def initialise(folder, devices, **environment):
    keys = ("seed", "model", "diffusion")
    run(folder, devices, "initialise.py", keys, "--output", "checkpoint", **environment)


def sample(folder, devices, name, **environment):
    keys = ("seed", "model", "diffusion", "sampling", "ddpm")
    options = ("--sampler", "ddpm", "--checkpoint", "checkpoint")
    outputs = ("--output", f"{name}.npz", "--timing", f"{name}.json")
    run(folder, devices, "sample.py", keys, *options, *outputs, **environment)
    return folder / f"{name}.npz"


def test_samples_over_four_devices(tmp_path):
    """Saved by one device, drawn by others, and the other way round.

    Four devices on one processor also bring more threads than one, and these sum in another order.
    """
    places = {saving: tmp_path / str(saving) for saving in (1, 4)}
    files, fours = [], []
    for saving, folder in places.items():
        folder.mkdir()
        initialise(folder, saving)
        files += [sample(folder, drawing, f"by_{drawing}") for drawing in (1, 2)]
        fours.append(load_arrays(sample(folder, 4, "by_4"))[0]["images"])
    assert len({file.read_bytes() for file in files}) == 1
    np.testing.assert_array_equal(*fours)
    np.testing.assert_allclose(fours[0], load_arrays(files[0])[0]["images"], atol=1e-5)


def has_gpu():
    return any(device.platform == "gpu" for device in jax.devices())


@pytest.mark.skipif(not has_gpu(), reason="needs a GPU")
@pytest.mark.parametrize("saving", ["cuda", "cpu"])
def test_a_gpu_and_a_cpu_read_each_other(tmp_path, saving):
    initialise(tmp_path, 1, JAX_PLATFORMS=saving)
    drawn = [
        load_arrays(sample(tmp_path, 1, platform, JAX_PLATFORMS=platform))[0]["images"]
        for platform in ("cuda", "cpu")
    ]
    np.testing.assert_allclose(*drawn, atol=1e-3)


COUNT = """
from sfumato.backend import spread_over_cores
import jax
if {at_work}:
    jax.local_device_count()
spread_over_cores()
print(jax.local_device_count())
"""


@pytest.mark.parametrize(("flags", "at_work"), [("", False), ("", True), ("3", False)])
def test_each_core_is_a_device_unless_something_is_said_before(flags, at_work):
    expected = 1 if at_work else int(flags or len(os.sched_getaffinity(0)))
    flags = flags and f"--xla_force_host_platform_device_count={flags}"
    done = subprocess.run(
        [sys.executable, "-c", COUNT.format(at_work=at_work)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
    )
    assert int(done.stdout) == expected
