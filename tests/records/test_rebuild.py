"""From a record to a config that makes the artifact again, evaluations with their seeds too."""

import pytest

from sfumato.config.resolve import resolve
from sfumato.records.provenance import Record, provenance
from sfumato.records.rebuild import command_of, config_of
from sfumato.records.stage import Stage

STAGE = Stage("sample")
NOISE_STEPS = {"diffusion": {"noise_steps": 20}}
DATA = {"data": {"n_images": 60, "n_test": 20}, "model": {"input_dim": [8, 8, 1]}, "seed": 0}
ENTRY = {"sampler": "ddim", "steps": 4, "eta": 0.5, "n_samples": 12}


def made(artifact, settings=None, **inputs):
    """Return a record of settings that need no section around them."""
    record = provenance(STAGE, artifact)
    origins = {name: {"digest": "0", "provenance": each} for name, each in inputs.items()}
    return record | {"settings": settings or {}, "inputs": origins}


def scored(run, k, seed=7):
    """Return the record of the metrics of a run with its k-th seed."""
    inputs = {
        "data": made("data.npz", DATA),
        "classifier": made("evaluation/classifier.npz", {"seed": seed}),
    }
    if run != "floor":
        entry = ENTRY | {"seed": seed + k}
        sampling = {"micro_batch": 5}
        settings = {"seed": seed, "sampling": sampling, "samples": {run: entry}, **NOISE_STEPS}
        inputs["samples"] = made(f"{run}_samples.npz", settings)
    evaluation = {"n_samples": 12, "neighbours": 2, "two_sample_steps": 2}
    settings = {"seed": seed + k, "evaluation": evaluation}
    return made(f"evaluation/{run}/{seed + k}.metrics.json", settings, **inputs)


def rebuilt(record):
    """Return the experiment that a record asks for, in a project whose defaults are the usual."""
    return resolve(config_of(Record.model_validate(record)))[1]["rebuilt"]


def test_only_what_was_recorded_is_drawn():
    settings = {"seed": 7, "samples": {"mine": ENTRY}, **NOISE_STEPS}
    experiment = rebuilt(made("mine_samples.npz", settings))
    assert list(experiment.samples) == ["mine"] and experiment.seed == 7
    assert not rebuilt(made("forward.npz", {"seed": 7, **NOISE_STEPS})).samples


def test_a_figure_is_asked_for_by_its_name():
    settings = {"samples": {"mine": {**ENTRY, "seed": 3}}, **NOISE_STEPS}
    figure = made("mine_samples.png", {"render": {"dpi": 50, "title": "his"}}, arrays=made("x.npz", settings))
    experiment = rebuilt(figure)
    assert experiment.figures == ("mine_samples.png",)
    assert (experiment.render.dpi, experiment.render.title) == (50, "his")
    assert experiment.samples["mine"].seed == 3  # its own, not the experiment's


def test_a_trajectory_follows_the_entry_that_it_followed():
    settings = {"samples": {"mine": {"sampler": "ddpm", "steps": 9}}, **NOISE_STEPS}
    settings["trajectory"] = {"snapshots": 4, "frames": 8}
    experiment = rebuilt(made("trajectory.npz", settings))
    assert experiment.trajectory.of == "mine" and experiment.trajectory.snapshots == 4


@pytest.mark.parametrize("k", [0, 2])
@pytest.mark.parametrize("run", ["ddim_steps_4", "floor"])
def test_metrics_are_those_of_their_run_and_seed(run, k):
    record = Record.model_validate(scored(run, k))
    experiment = rebuilt(scored(run, k))
    assert experiment.seed == 7 and experiment.evaluation.seeds == k + 1
    assert experiment.evaluation.n_samples == 12 and experiment.evaluation.neighbours == 2
    path = f"results/rebuilt/evaluation/{run}/{k}.metrics.json"
    assert command_of(record, "c.yaml") == f"snakemake --cores 1 {path} --configfile c.yaml"
    if run != "floor":
        drawn = experiment.runs[run]
        assert (drawn.steps, drawn.sampler.eta, drawn.seed) == (4, 0.5, None)
        assert experiment.evaluation.micro_batch == 5


def test_quality_has_all_runs_in_their_order():
    records = [scored(run, k) for run in ("floor", "z", "a") for k in (0, 1)]
    experiment = rebuilt(made("quality.json", **{each["artifact"]: each for each in records}))
    assert list(experiment.runs) == ["z", "a"]
    assert experiment.evaluation.seeds == 2 and experiment.seed == 7
