"""Files are listed, not registered: a new file is a new choice, and reruns nothing."""

import json
import re

import pytest
from conftest import snakemake, tiny_config, write_config
from tables import downstream

SAMPLER = '''"""Go from x_t straight along the prediction, mixed with where it was."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from sfumato.config.fields import Real
from sfumato.samplers.base import Sampler, Step


@dataclass(frozen=True)
class Toy(Sampler):
    default_steps: ClassVar[int | None] = 4
    strength: Real = Field(default=1.0, gt=0)

    def step(self, denoise, schedule, x_t, t, s, keys, memory):
        x_0, eps = prediction = denoise(x_t, t)
        x_s = schedule.alpha(s) * x_0 + self.strength * schedule.sigma(s) * eps
        return Step(x_s, prediction, memory)
'''
GUIDANCE = '''"""Shrink the prediction of x_0."""

from dataclasses import dataclass

from sfumato.diffusion.prediction import from_x_0
from sfumato.guidance.base import Guidance


@dataclass(frozen=True)
class Toy(Guidance):
    factor: float = 0.5

    def predict(self, denoise, schedule, x_t, t, given):
        return from_x_0(schedule, x_t, self.factor * denoise(x_t, t, given).x_0, t)

    def cost(self, t, inner):
        return 3 * inner(t)
'''
NETWORK_CONFIG = '''"""The knobs of a network of one layer."""

from pydantic import Field

from sfumato.config.fields import Whole
from sfumato.networks.base_config import NetworkConfig


class ToyConfig(NetworkConfig):
    architecture: str = "toy"
    width: Whole = Field(default=3, ge=1)
'''
NETWORK = '''"""A network of one layer."""

from flax import nnx

from sfumato.networks.base import Network


class Toy(Network):
    def __init__(self, config, *, rngs, dtype=None):
        self.config = config
        channels = config.input_dim[-1]
        self.first = nnx.Conv(channels, config.width, (3, 3), dtype=dtype, rngs=rngs)
        self.last = nnx.Conv(config.width, channels, (3, 3), dtype=dtype, rngs=rngs)

    def __call__(self, x, t, labels=None, *, rngs=None):
        return self.last(nnx.silu(self.first(x))).astype(x.dtype)
'''
FIGURE = '''"""first.png: the first sample alone."""

from sfumato.config.render import GridLook
from sfumato.figures.base import Figure, Looks

FIGURE = Figure(
    name="toy",
    settings=Looks[GridLook],
    file="{name}_first.png",
    inputs=("arrays",),
    files=("{name}_samples.npz",),
    arrays=(("images",),),
    after=("sample",),
    label="the first sample",
)


def draw(look, samples):
    from sfumato.figures.panels import image_grid
    from sfumato.figures.titles import heading

    return image_grid(samples.read(1)["images"], heading(look, "the first"), look)
'''
FILES = {
    "samplers/toy.py": SAMPLER,
    "guidance/toy.py": GUIDANCE,
    "networks/toy_config.py": NETWORK_CONFIG,
    "networks/toy.py": NETWORK,
    "figures/toy.py": FIGURE,
}


def announced(folder):
    done = snakemake(folder, "-n")
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        output.rpartition("/")[2]
        for output in re.findall(r"^    output: ([^,\n]+)", done.stdout, re.MULTILINE)
    }


@pytest.fixture
def extended(copied):
    """Return the built project, with a new file in each room that is listed."""
    for name, text in FILES.items():
        (copied / "src/sfumato" / name).write_text(text)
    return copied


def test_new_files_rerun_nothing_and_can_be_chosen(extended):
    assert announced(extended) == set()
    entry = {"sampler": "toy", "strength": 0.9, "guidance": {"method": "toy", "factor": 0.4}}
    samples = {"toy": entry | {"n_samples": 3}}
    files = ["toy_samples.png", "ddim_samples.png", "toy_first.png"]
    write_config(extended, tiny_config({"samples": samples, "figures": files}))
    assert announced(extended) == {"toy_samples.npz", "toy_samples.png", "toy_first.png"}
    done = snakemake(extended, "all")
    assert done.returncode == 0, done.stdout + done.stderr
    timing = json.loads((extended / "results/tiny/toy_samples.timing.json").read_text())
    assert (timing["steps"], timing["nfe"]) == (4, 12)  # the sampler's steps, the guidance's cost
    # An edit of the new sampler concerns its own samples alone.
    file = extended / "src/sfumato/samplers/toy.py"
    file.write_text(file.read_text().replace("self.strength *", "2 * self.strength *"))
    assert announced(extended) == {"toy_samples.npz", "toy_samples.png", "toy_first.png"}


@pytest.mark.slow
def test_a_new_network_can_be_chosen(extended):
    model = {"architecture": "toy", "width": 2}
    config = tiny_config({"model": model, "figures": ["ddim_samples.png"]})
    write_config(extended, config)
    expected = downstream(["checkpoint"]) & {"checkpoint", "ddim_samples.npz", "ddim_samples.png"}
    assert announced(extended) == expected
    done = snakemake(extended, "all")
    assert done.returncode == 0, done.stdout + done.stderr
    write_config(extended, tiny_config({"model": model | {"channels": 8}}))
    said = "experiments.tiny.model.channels: unknown key (its value: 8)"
    assert said in snakemake(extended, "-n").stdout
