"""One device or many, the one that saved or another: the same bytes."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from conftest import slow, warm_server

from sfumato.compute import compilation

DRAW = """
import sys
from pathlib import Path
import jax, numpy as np
from flax import nnx
from sfumato.compute.randomness import stage_key
from sfumato.config.diffusion import DiffusionConfig
from sfumato.config.samples import SampleConfig
from sfumato.diffusion.schedule import make_schedule
from sfumato.guidance.classifier import Classifier
from sfumato.guidance.classifier_free import ClassifierFree
from sfumato.editing.inpaint import Inpaint
from sfumato.editing.restore import Restore
from sfumato.networks.denoiser import make_denoiser
from sfumato.networks.guidance_classifier import GuidanceClassifier, LogProbability
from sfumato.networks.restoring import structure
from sfumato.networks.initialisation import initialise
from sfumato.networks.unet_config import UNetConfig
from sfumato.records.checkpoint import load_checkpoint, save_checkpoint
from sfumato.samplers import DDPM
from sfumato.sampling.batches import sample
from sfumato.sampling.walks import Walks

checkpoint, again, output, devices = Path(sys.argv[1]), *sys.argv[2:4], int(sys.argv[4])
assert len(jax.devices()) == devices
diffusion = DiffusionConfig(noise_steps=20)
model = UNetConfig(
    input_dim=(8, 8, 1), channels=4, channel_multipliers=(1,), attention_levels=(0,), norm_groups=2,
    num_classes=3,
)
if checkpoint.exists():
    network, _ = load_checkpoint(checkpoint, model, diffusion)
else:
    network = initialise(model, stage_key(0, 1))
save_checkpoint(Path(again), network, diffusion, {})
schedule = make_schedule(diffusion)
denoise = make_denoiser(network, schedule, "epsilon")
if sys.argv[5] == "classifier_free":
    denoise = ClassifierFree(scale=2.0, interval=(0, 12))(denoise, schedule)
elif sys.argv[5] == "classifier":
    noisy = nnx.state(GuidanceClassifier((8, 8, 1), 3, rngs=nnx.Rngs(0)))
    log_p = LogProbability(noisy, structure(GuidanceClassifier, (8, 8, 1), 3)[0])
    denoise = Classifier(scale=2.0).using(log_p)(denoise, schedule)
drawn = sample(
    denoise, schedule, DDPM(), timesteps=range(19, -1, -1), key=stage_key(0, 3), n_samples=5,
    image_shape=(8, 8, 1), micro_batch=2, snapshots=[0, 9],
    given={"labels": np.array([0, 1, 2, -1, 0])},
)
images = np.linspace(-1, 1, 320, dtype=np.float32).reshape(5, 8, 8, 1)
edited = []
edits = [Inpaint(mask={"random": 0.5}, resample=2)]
if sys.argv[5] != "none":  # which take long to compile, with their gradients
    edits.append(Restore(operator={"blur": 1.0}))
    edits.append(Restore(operator={"random": 0.5}, method="dps"))
for edit in edits:
    entry = SampleConfig(sampler=DDPM(), steps=4, edit=edit)
    plain = make_denoiser(network, schedule, "epsilon")
    walks = Walks(entry, plain, schedule, stage_key(0, 3), (8, 8, 1), 5, {"images": images})
    given, _ = walks.begin(range(5), {}, micro_batch=2)
    edited += [batch.images for batch in walks.end(range(5), given, micro_batch=2)]
    edited += [np.float32(given["mask"])] if "mask" in given else []
np.save(output, np.concatenate([drawn.images, *drawn.snapshots, *drawn.predicted_x_0, *edited]))
"""


def draw(checkpoint, again, devices=1, guidance="none", **environment):
    """Draw in a process that sees so many devices, from a checkpoint if it is there.

    Save the network again, and return the samples.
    """
    output = again.with_suffix(".npy")
    subprocess.run(
        [sys.executable, "-c", DRAW, checkpoint, again, output, str(devices), guidance],
        check=True,
        env={
            **os.environ,
            **warm_server(),
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
            **environment,
        },
    )
    return np.load(output)


GUIDANCES = ["none", "classifier_free", "classifier"]
SAVED_AND_DRAWN = [("none", "a", 3), ("a", "b", 1)]
"""The checkpoint that is drawn from, that which is saved, and the devices."""


@pytest.mark.parametrize(
    ("guidance", "more"),
    [("none", []), *(slow(each, [("b", "c", 4)]) for each in GUIDANCES)],
    ids=["quick", *GUIDANCES],
)
def test_samples_over_several_devices(guidance, more, tmp_path):
    """Saved by three devices and drawn by one; saved by that one and drawn by four."""
    drawn = [
        draw(tmp_path / checkpoint, tmp_path / again, devices, guidance)
        for checkpoint, again, devices in SAVED_AND_DRAWN + more
    ]
    assert len({array.tobytes() for array in drawn}) == 1


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
    drawn = [
        draw(tmp_path / checkpoint, tmp_path / again, JAX_PLATFORMS=platform)
        for checkpoint, again, platform in (
            ("none", "a", saving),
            ("a", "b", "cpu" if saving == "cuda" else "cuda"),
        )
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
