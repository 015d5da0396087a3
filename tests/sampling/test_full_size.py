"""What takes minutes: the shipped experiments at full size. `make test-slow` runs it."""

import copy
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import ROOT, copy_project, snakemake, write_config
from PIL import Image

pytestmark = pytest.mark.slow

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())

SAMPLE = """
import os, sys
os.sched_setaffinity(0, map(int, sys.argv[3].split()))
import jax, numpy as np
from sfumato.compute.randomness import stage_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.diffusion.schedule import make_schedule
from sfumato.diffusion.times import spaced_timesteps
from sfumato.guidance.clipping import Clipping
from sfumato.networks.denoiser import make_denoiser
from sfumato.networks.initialisation import initialise
from sfumato.networks.unet_config import UNetConfig
from sfumato.samplers import DDIM
from sfumato.sampling.batches import sample

schedule = make_schedule(DiffusionConfig())
denoise = make_denoiser(initialise(UNetConfig(), stage_key(0, 1)), schedule, "epsilon")
drawn = sample(
    Clipping()(denoise, schedule), schedule, DDIM(),
    timesteps=spaced_timesteps(1000, 50), key=stage_key(0, 3),
    n_samples=32, image_shape=(28, 28, 1), micro_batch=int(sys.argv[1]),
)
print(len(jax.devices()), file=sys.stderr)
np.save(sys.argv[2], drawn.images)
"""


def full(folder):
    """Return a copy of the project with the shipped config."""
    copy_project(folder)
    shutil.copy(ROOT / "config.yaml", folder)
    (folder / "resources").symlink_to(ROOT / "resources")
    return folder


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    folder = full(tmp_path_factory.mktemp("full") / "a project")
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "results" / "diffusion_mnist"


def test_two_clean_runs_of_the_default_experiment(default, tmp_path):
    folder = full(tmp_path / "again")
    assert snakemake(folder).returncode == 0
    files = [path for path in default.iterdir() if path.suffix in {".npz", ".png", ".gif"}]
    assert len(files) == 10
    for path in files:
        again = folder / "results" / "diffusion_mnist" / path.name
        assert path.read_bytes() == again.read_bytes(), path.name


@pytest.mark.parametrize("name", ["forward", "ddpm_samples", "ddim_samples", "trajectory"])
def test_the_readme_shows_what_is_built(default, name):
    """Pixel by pixel, but for what another processor may round otherwise."""
    shown, built = (
        np.asarray(Image.open(folder / f"{name}.png").convert("L"), float)
        for folder in (ROOT / "docs" / "figures", default)
    )
    assert shown.shape == built.shape
    assert np.abs(shown - built).mean() < 1


@pytest.mark.parametrize("experiment", CONFIG["experiments"])
def test_every_shipped_experiment_builds(experiment, tmp_path):
    """As it is, but for a training, which is cut short, and data that are on some machines only."""
    folder, config = full(tmp_path / "one"), copy.deepcopy(CONFIG)
    settings = config["experiments"][experiment]
    if "training" in settings:
        settings["training"] |= {"steps": 20, "warmup_steps": 5}
    data = settings.get("data", {}).get("folder")
    if data and not Path(data).is_dir():
        pytest.skip(f"{data} is not there")
    write_config(folder, config)
    done = snakemake(folder, experiment)
    assert done.returncode == 0, done.stdout + done.stderr


def test_batch_sizes_devices_and_cores_do_not_change_samples(tmp_path):
    """But for batches of one, whose products are of another kind; `pytest -s` prints how much."""
    cores = os.sched_getaffinity(0)

    def samples(name, micro_batch, devices=1, cores=cores):
        places = " ".join(map(str, cores))
        flags = f"--xla_force_host_platform_device_count={devices}"
        done = subprocess.run(
            [sys.executable, "-c", SAMPLE, str(micro_batch), str(tmp_path / name), places],
            env={**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
        )
        assert done.stderr.split()[-1] == str(devices), done.stderr
        return np.load(tmp_path / f"{name}.npy")

    eight = samples("eight", 8)
    np.testing.assert_array_equal(samples("again", 8, devices=4), eight)
    np.testing.assert_array_equal(samples("one_core", 8, cores={min(cores)}), eight)
    for micro_batch in (2, 5, 32):
        np.testing.assert_array_equal(samples(f"batch_{micro_batch}", micro_batch), eight)
    difference = np.abs(samples("batch_1", 1) - eight).max()
    print(f"micro-batch 1 against 8: {difference:.1e}")
    assert difference < 1e-4
