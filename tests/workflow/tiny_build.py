"""The tiny experiment without Snakemake: the scripts called as functions, in this process."""

import importlib
from pathlib import Path
from typing import NamedTuple

from conftest import tiny_experiment
from snakemake.iocontainers import Wildcards

from sfumato.workflow.lookup import DRAWING
from sfumato.workflow.plan import Plan


class Job(NamedTuple):
    """How a file is made: by which stage, of which entry of `samples`, with which arguments."""

    stage: str
    words: str
    """{} is the folder."""
    entry: str | None = None


JOBS = {
    "data.npz": Job("prepare_data", "--output {}/data.npz"),
    "checkpoint": Job("initialise", "--output {}/checkpoint"),
    "forward.npz": Job("forward", "--data {}/data.npz --output {}/forward.npz"),
    **{
        f"{name}_samples.npz": Job(
            "sample",
            f"--checkpoint {{}}/checkpoint --output {{}}/{name}_samples.npz"
            f" --timing {{}}/{name}_samples.timing.json",
            name,
        )
        for name in ("ddpm", "ddim")
    },
    **{
        f"shards/{k}.npz": Job(
            "sample",
            f"--checkpoint {{}}/checkpoint --shard {k}/2"
            f" --output {{}}/shards/{k}.npz --timing {{}}/shards/{k}.json",
            "ddim",
        )
        for k in (1, 2)
    },
    "gathered.npz": Job(
        "gather",
        "--arrays {}/shards/2.npz {}/shards/1.npz --timings {}/shards/1.json {}/shards/2.json"
        " --output {}/gathered.npz --timing {}/gathered.json",
    ),
    "trajectory.npz": Job("trajectory", "--checkpoint {}/checkpoint --output {}/trajectory.npz"),
    "speed.json": Job(
        "compare_speed",
        "--timings {}/ddpm_samples.timing.json {}/ddim_samples.timing.json --output {}/speed.json",
    ),
    "forward.png": Job("render_forward", "forward --inputs {}/forward.npz --output {}/forward.png"),
    "ddim_samples.png": Job(
        "render_samples",
        "samples --inputs {}/ddim_samples.npz --output {}/ddim_samples.png",
        "ddim",
    ),
    "trajectory.png": Job(
        "render_trajectory", "trajectory --inputs {}/trajectory.npz --output {}/trajectory.png"
    ),
    "trajectory.gif": Job(
        "render_animation", "animation --inputs {}/trajectory.npz --output {}/trajectory.gif"
    ),
    "speed.png": Job("render_speed", "speed --inputs {}/speed.json --output {}/speed.png"),
}


def script_of(name):
    """Return the name of the script that makes a file."""
    return "render" if JOBS[name].stage.startswith(DRAWING) else JOBS[name].stage


def settings(name, experiment):
    """Return the settings that the job of a file is handed, as text; `null` if it reads none."""
    job = JOBS[name]
    wildcards = {"experiment": "tiny"} | ({"name": job.entry} if job.entry else {})
    plan = Plan(["tiny"], {"tiny": experiment})
    return plan.settings(job.stage)(Wildcards(fromdict=wildcards))


def call_of(name, folder, experiment, config=None):
    """Return the module and the command line that make a file in a folder."""
    read = settings(name, experiment)
    words = [word.format(folder) for word in JOBS[name].words.split()]
    if read != "null":
        words += ["--config", config or read]
    return importlib.import_module(script_of(name)), words


def build(names, folder: Path, override=None):
    """Run the scripts that make files of the tiny experiment, in order."""
    experiment = tiny_experiment(override)
    for name in names:
        module, words = call_of(name, folder, experiment)
        module.main(words)
