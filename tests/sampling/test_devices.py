"""One device or many, the one that saved or another: the same bytes."""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from conftest import ROOT, TINY

from sfumato.compute import compilation
from sfumato.config.experiment import Experiment, settings_of
from sfumato.records.arrays import load_arrays


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
    """Saved by one device, drawn by others, and the other way round."""
    files = []
    for saving in (1, 4):
        folder = tmp_path / str(saving)
        folder.mkdir()
        initialise(folder, saving)
        files += [sample(folder, drawing, f"by_{drawing}") for drawing in (1, 2, 4)]
    assert len({file.read_bytes() for file in files}) == 1


SUMS = """
import os, sys
os.sched_setaffinity(0, {cores})
import jax, numpy as np
from sfumato.compute.compilation import compiled
x = np.random.default_rng(0).normal(size=(4, 28, 28, 8, 8)).astype(np.float32)
total = compiled(lambda x: x.mean((1, 2, 4)))
sys.stdout.write(np.asarray(total(x)).tobytes().hex())
"""


def test_a_sum_does_not_depend_on_the_number_of_cores():
    """A long one: XLA's choice would be to cut it into as many parts as there are threads."""

    def total(devices, cores):
        return subprocess.run(
            [sys.executable, "-c", SUMS.format(cores=cores)],
            check=True,
            capture_output=True,
            env={
                **os.environ,
                "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
                "JAX_PLATFORMS": "cpu",
            },
        ).stdout

    cores = os.sched_getaffinity(0)
    totals = {total(1, cores), total(4, cores), total(1, {min(cores)})}
    assert len(totals) == 1 and len(totals.pop()) == 2 * 4 * 32


def test_where_xla_does_not_know_the_option_it_is_left_out(monkeypatch):
    monkeypatch.setattr(compilation, "_FUSIONS", "xla_cpu_no_such_option")
    compilation.compiler_options.cache_clear()
    try:
        assert compilation.compiler_options() is None
        assert compilation.compiled(lambda x: x + 1)(1) == 2
    finally:
        compilation.compiler_options.cache_clear()


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
from sfumato.compute.backend import spread_over_cores
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
